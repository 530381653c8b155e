// What the size and the colour of an agent on the map stand for.

import { levelOf, STATUSES } from "../../parts/marks.js";

const LARGEST = 3; // radii: the busiest agent against one that does nothing
const SLOT_STEP = 0.25;

export const SIZES = [
  { value: "activity", label: "activity", text: "operations and metrics in the last hour" },
  { value: "spend", label: "spend", text: "spend today" },
];
export const COLORS = [
  { value: "status", label: "status" },
  { value: "budget", label: "budget used" },
];

// The amount that an agent's area stands for; `activity` maps the ids of those who did something to how much.
export const amountOf = (size, activity) =>
  size === "spend" ? ({ cost_used_today }) => cost_used_today : ({ agent_id }) => activity.get(agent_id) ?? 0;

// The radius of an amount: areas grow with amounts (hence the square root), and who does nothing is still seen. One that
// outgrew the largest gets more than that one had.
export function radiusOf(amount, largest) {
  const share = largest > 0 ? amount / largest : amount > 0 ? 1 : 0;
  return 1 + (LARGEST - 1) * Math.sqrt(Math.max(0, share));
}

// The place kept for a radius, in steps: sizes that move little move nothing on the map.
export const slotOf = (radius) => Math.ceil(radius / SLOT_STEP - 1e-9) * SLOT_STEP;

const TENTHS = 10;
const LEVELS = ["normal", "warning", "critical", "exceeded"];

// All looks that an agent may have: `{kind, fill}`, `fill` being how much of the disc is filled, from the bottom.
export const LOOKS = [
  ...STATUSES.map((kind) => ({ kind, fill: kind === "idle" || kind === "offline" ? 0 : 1 })),
  ...LEVELS.flatMap((kind) => Array.from({ length: TENTHS + 1 }, (_, tenths) => ({ kind, fill: tenths / TENTHS }))),
];

// The index of an agent's look.
export function lookOf(color, { status, cost_used_today: used, max_cost_per_day: limit }) {
  if (color !== "budget") return Math.max(0, STATUSES.indexOf(status));
  const share = limit > 0 ? used / limit : used > 0 ? 1 : 0;
  const tenths = Math.round(Math.min(1, Math.max(0, share)) * TENTHS);
  return STATUSES.length + LEVELS.indexOf(levelOf(used, limit)) * (TENTHS + 1) + tenths;
}
