// The time range that the pages share: in the address as `range=24h`, or as `from` and `to`.

import { computed } from "./view.js";
import { hrefOf, parameter, setParameters } from "./route.js";
import { dayAndTime } from "./format.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Each `period` is as the API takes it.
export const RANGES = [
  { period: "15m", label: "15 minutes", ms: 15 * MINUTE },
  { period: "1h", label: "1 hour", ms: HOUR },
  { period: "24h", label: "24 hours", ms: DAY },
  { period: "7d", label: "7 days", ms: 7 * DAY },
  { period: "30d", label: "30 days", ms: 30 * DAY },
  { period: "90d", label: "90 days", ms: 90 * DAY },
];
const DEFAULT = "24h";

// The chosen range: `{period, label, ms}` up to now, or `{from, to, label, ms}` (RFC 3339) between two moments.
export const range = computed(() => {
  const [from, to] = [parameter("from"), parameter("to")].map((text) => (text === null ? NaN : Date.parse(text)));
  if (from < to) {
    const [start, end] = [new Date(from).toISOString(), new Date(to).toISOString()];
    return { from: start, to: end, label: `${dayAndTime(start)} – ${dayAndTime(end)}`, ms: to - from };
  }
  const period = parameter("range") ?? DEFAULT;
  return RANGES.find((known) => known.period === period) ?? RANGES.find((known) => known.period === DEFAULT);
});

// The range as parameters of a request that knows `period`.
export const asPeriod = ({ period, from, to }) => (period ? { period } : { start_date: from, end_date: to });

// The range as parameters of a request that knows dates alone. The start is cut to the minute, so that the address of
// the request, under which its answer is kept, does not change with every millisecond.
export function asDates({ from, to, ms }) {
  if (from) return { start_date: from, end_date: to };
  return { start_date: new Date(Math.floor((Date.now() - ms) / MINUTE) * MINUTE).toISOString() };
}

export const choosePeriod = (period) => setParameters({ range: period, from: null, to: null });
export const chooseBetween = (from, to) => setParameters({ range: null, from, to });

// The range in whole days up to now that cover it, for figures that are kept by the day: 1 to 90.
export function asDays({ from, ms }) {
  const reach = from ? Date.now() - Date.parse(from) : ms;
  return Math.max(1, Math.min(90, Math.ceil(reach / DAY)));
}

// The address of a page with the range that is chosen here: it goes with the reader from page to page.
export const hrefInRange = (page) =>
  hrefOf(page, { range: parameter("range"), from: parameter("from"), to: parameter("to") });
