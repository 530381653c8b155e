// What is left of a day's budget, hour by hour, and when it runs out at the present pace.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const PACE_HOURS = 3; // over which the pace is taken: long enough to be calm, short enough to be of today

// The UTC midnight before a moment (ms).
export const dayOf = (now) => Math.floor(now / DAY) * DAY;

// `points` are the hours since midnight, in the members of GET /api/v1/metrics/timeline; `used` is what was spent up to
// `now` (ms). `runsOut` is the moment (ms) at which nothing is left, null when that is not today; `ranOut` the moments
// between which that happened.
export function burnDown(points, { limit, used, now }) {
  const midnight = dayOf(now);
  const left = [[midnight, limit]];
  let spent = 0;
  for (const { timestamp, cost_usd } of points) {
    const end = Date.parse(timestamp) + HOUR;
    spent += cost_usd;
    if (end <= now) left.push([end, limit - spent]);
  }
  left.push([now, limit - used]);
  const pace = paceOf(left, now);
  const runsOut = pace > 0 && used < limit ? now + (limit - used) / pace : Infinity;
  const end = midnight + DAY;
  const empty = left.findIndex(([, amount]) => amount <= 0);
  return {
    left,
    pace,
    atMidnight: limit - used - pace * (end - now),
    runsOut: runsOut < end ? runsOut : null,
    ranOut: empty > 0 ? [left[empty - 1][0], left[empty][0]] : null,
  };
}

// What is spent in a millisecond.
function paceOf(left, now) {
  const from = left.findLast(([at]) => at <= now - PACE_HOURS * HOUR) ?? left[0];
  const span = now - from[0];
  return span > 0 ? (from[1] - left.at(-1)[1]) / span : 0;
}

// The lines of a chart: times, what was left, what will be, the limit.
export function linesOf({ left, pace, runsOut }, { limit, now }) {
  const end = dayOf(now) + DAY;
  const remaining = left.at(-1)[1];
  const ahead = remaining <= 0 ? [] : [[runsOut ?? end, runsOut ? 0 : remaining - pace * (end - now)]];
  const times = [...left, ...ahead].map(([at]) => at);
  if (times.at(-1) < end) times.push(end);
  const fill = (values) => times.map((_, index) => values[index] ?? null);
  return {
    times: times.map((at) => new Date(at).toISOString()),
    left: fill(left.map(([, amount]) => amount)),
    ahead: fill([...left.slice(1).map(() => null), remaining, ...ahead.map(([, amount]) => amount)]),
    limit: times.map(() => limit),
  };
}
