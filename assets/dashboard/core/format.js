// Amounts and times as people read them, by the browser's locale.

const locale = navigator.languages?.length ? [...navigator.languages] : undefined;
const NOTHING = "–";

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const oneDecimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const cents = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });

// 1,234; from 100,000 on 123.4K.
export function count(value) {
  if (!Number.isFinite(value)) return NOTHING;
  return Math.abs(value) < 100_000 ? whole.format(value) : short.format(value);
}

// Every digit.
export const exact = (value) => (Number.isFinite(value) ? whole.format(value) : NOTHING);

// Tokens: 950, 12.3K, 1.2M.
export const tokens = (value) => (Number.isFinite(value) ? short.format(value) : NOTHING);

// An amount of money: USD 0.0042, USD 31.20, USD 12.4K.
export function money(value, currency = "USD") {
  return Number.isFinite(value) ? `${currency} ${amount(value)}` : NOTHING;
}

// The amount alone, for columns that name the currency in their head.
export function amount(value) {
  if (!Number.isFinite(value)) return NOTHING;
  const size = Math.abs(value);
  if (size > 0 && size < 0.0001) return `<${fine.format(0.0001)}`;
  if (size > 0 && size < 0.1) return fine.format(value);
  return size < 10_000 ? cents.format(value) : short.format(value);
}

// A share of 1 as a percentage: 0.4 %, 12 %.
export function percent(share) {
  if (!Number.isFinite(share)) return NOTHING;
  const value = share * 100;
  return `${(Math.abs(value) < 10 ? oneDecimal : whole).format(value)} %`;
}

// A score of 0-100.
export const points = (value) => (Number.isFinite(value) ? tenths.format(value) : NOTHING);

// A change against a former value: +12 %, from eleven times on ×11, or that there was none to compare with.
export function change(now, before) {
  if (!(before > 0)) return now > 0 ? "new" : "";
  const share = now / before - 1;
  if (share >= 10) return `×${count(now / before)}`;
  return Math.abs(share) < 0.005 ? "±0 %" : `${share > 0 ? "+" : "−"}${percent(Math.abs(share))}`;
}

// A duration in ms: 340 ms, 2.1 s, 4 min.
export function duration(ms) {
  if (!Number.isFinite(ms)) return NOTHING;
  if (ms < 1_000) return `${ms < 10 ? oneDecimal.format(ms) : whole.format(ms)} ms`;
  if (ms < 120_000) return `${oneDecimal.format(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${whole.format(ms / 60_000)} min`;
  return `${oneDecimal.format(ms / 3_600_000)} h`;
}

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockMs = new Intl.DateTimeFormat(locale, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});
const clockShort = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const dayMonth = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const dayMonthUtc = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const dayHour = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const dayOfWeek = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });
const relative = new Intl.RelativeTimeFormat(locale, { style: "short", numeric: "auto" });
const MINUTE = 60_000;
const STEP = 5_000;
const UNITS = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1_000]];

const valid = (timestamp) => {
  const date = new Date(timestamp ?? NaN);
  return Number.isNaN(date.valueOf()) ? null : date;
};
const written = (format) => (timestamp) => {
  const date = valid(timestamp);
  return date === null ? NOTHING : format.format(date);
};

export const timeOfDay = written(clock);
export const timeOfDayMs = written(clockMs);
export const timeOfDayShort = written(clockShort);
export const day = written(dayMonth);
export const weekday = written(dayOfWeek);
export const utcDay = written(dayMonthUtc); // of figures that the server counts by its days
export const dayAndTime = written(dayHour);

// "3 min ago" as of `now` (ms); what is up to a minute ahead is now: the clock that it is compared with moves in steps,
// and clients' clocks run ahead.
export function ago(timestamp, now = Date.now()) {
  const date = valid(timestamp);
  if (date === null) return "never";
  const past = date - now < MINUTE ? Math.min(0, date - now) : date - now;
  const [unit, size] = UNITS.find(([, ms]) => Math.abs(past) >= ms) ?? ["second", 1_000];
  return relative.format(Math.trunc(past / size), unit);
}

// How long it is until a moment, as of `now` (ms): "8 min left", near the end in steps of five seconds.
export function timeLeft(timestamp, now = Date.now()) {
  const left = (valid(timestamp) ?? NaN) - now;
  if (!(left > 0)) return "time is up";
  return `${duration(left < 2 * MINUTE ? Math.ceil(left / STEP) * STEP : Math.floor(left / MINUTE) * MINUTE)} left`;
}

// The exact moment, local and in UTC, for a title.
export function moment(timestamp) {
  const date = valid(timestamp);
  return date === null ? "" : `${full.format(date)}\n${date.toISOString()}`;
}

// A name with underscores as words.
export const words = (name) => String(name ?? "").replaceAll("_", " ");
