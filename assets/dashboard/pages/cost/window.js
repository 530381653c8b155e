// Which windows the page shows for the chosen range. Groups are told for whole windows up to now alone, in hours or in
// UTC days; where that is not the range, the page says so.

import { asPeriod } from "../../core/range.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const WINDOWS = [
  { period: "24h", label: "24 hours", ms: DAY, step: HOUR },
  { period: "7d", label: "7 days", ms: 7 * DAY, step: DAY },
  { period: "30d", label: "30 days", ms: 30 * DAY, step: DAY },
  { period: "90d", label: "90 days", ms: 90 * DAY, step: DAY },
];

// `breakdown` is the period that the groups are asked for, `note` what they show. `timeline` are the parameters of the
// range over time; `doubled` those of the range together with the window of equal length before, null where the
// groups' answer tells of that.
export function windowOf(range, now = Date.now()) {
  const reach = range.from ? now - Date.parse(range.from) : range.ms;
  const groups = WINDOWS.find(({ ms }) => ms >= reach) ?? WINDOWS.at(-1);
  const isWhole = range.period === groups.period;
  const inSteps = groups.step === DAY ? "in UTC days" : "by the hour";
  const why = range.from ? "groups are told for windows up to now alone" : "groups are not told for less than that";
  return {
    breakdown: groups.period,
    note: `Last ${groups.label}, ${inSteps}${isWhole ? "" : `: ${why}`}`,
    timeline: isWhole ? { start_date: startOf(groups, now) } : asPeriod(range),
    doubled: isWhole ? null : doubledOf(range),
    before: range.from ? "the equally long time before" : `the ${range.label} before`,
  };
}

// As the server cuts the window: whole steps, the running one included.
function startOf({ ms, step }, now) {
  return new Date((Math.floor(now / step) + 1) * step - ms).toISOString();
}

function doubledOf({ period, from, to, ms }) {
  if (from) return { start_date: new Date(Date.parse(from) - ms).toISOString(), end_date: to };
  return { period: period.replace(/\d+/, (number) => 2 * number) };
}
