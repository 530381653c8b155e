// What the month will have cost, from what its days cost so far.

const BASIS_DAYS = 14;
const FEWEST_DAYS = 3;
const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);

// `days` are `{timestamp, value}`, one for each UTC day, the last today; those before the first spending are no data.
// Each of the days to come is taken to cost the mean of the last whole days. Were they independent of each other, the
// sum of n of them would spread by sqrt(n) times as much as one; the range is twice that to either side.
export function projectionOf(days) {
  const today = days.at(-1);
  const whole = days.slice(0, -1);
  const basis = whole.slice(Math.max(0, whole.findIndex(({ value }) => value > 0))).slice(-BASIS_DAYS)
    .map(({ value }) => value);
  const isUsed = basis.some((value) => value > 0);
  const count = isUsed ? basis.length : 0;
  if (count < FEWEST_DAYS) return { count, fewest: FEWEST_DAYS };
  const month = today.timestamp.slice(0, 7);
  const spent = sumOf(whole.filter(({ timestamp }) => timestamp.startsWith(month)).map(({ value }) => value));
  const mean = sumOf(basis) / count;
  const spread = Math.sqrt(sumOf(basis.map((value) => (value - mean) ** 2)) / (count - 1));
  const ahead = daysAfter(today.timestamp) + 1;
  const atLeast = spent + today.value;
  const expected = Math.max(atLeast, spent + ahead * mean);
  const margin = 2 * spread * Math.sqrt(ahead);
  const range = { low: Math.max(atLeast, expected - margin), high: expected + margin };
  return { count, expected, ...range, spent, ahead, mean, spread };
}

// How many days of the month follow on a day.
function daysAfter(timestamp) {
  const date = new Date(timestamp);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate() - date.getUTCDate();
}
