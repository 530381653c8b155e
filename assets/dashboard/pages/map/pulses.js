// A soft pulse for each event as it arrives; what was refused pulses in the bad colour. Where less motion is asked for, an
// outline appears for a moment instead.

import { isStill } from "../../core/theme.js";
import { stateOf } from "../../parts/marks.js";

const LASTING_MS = 900;
const STILL_MS = 600;
const AGAIN_MS = 250; // an agent under constant events pulses so often
const AT_ONCE = 150; // what is refused always pulses

export class Pulses {
  #pulses = new Map(); // by the agent's id: {begun, tone}

  // Takes the events of one frame: `[agent_id, type]` each.
  add(events, now) {
    for (const [id, type] of events) {
      const state = stateOf(type);
      const tone = state === "bad" || state === "warn" ? state : "accent";
      const before = this.#pulses.get(id);
      const isWorse = tone === "bad" && before?.tone !== "bad";
      if (isWorse || (before ? now - before.begun > AGAIN_MS : this.#pulses.size < AT_ONCE)) {
        this.#pulses.set(id, { begun: now, tone: before?.tone === "bad" && now - before.begun < LASTING_MS ? "bad" : tone });
      }
    }
  }

  // Paints them; `placeOf(id)` is `{x, y, r}` in the window or null. Returns in how many ms to paint again, or null.
  paint(context, now, placeOf, colors) {
    const lasting = isStill.matches ? STILL_MS : LASTING_MS;
    let rest = 0;
    for (const [id, { begun, tone }] of this.#pulses) {
      const age = Math.max(0, now - begun) / lasting;
      if (age >= 1) {
        this.#pulses.delete(id);
        continue;
      }
      rest = Math.max(rest, (1 - age) * lasting);
      const place = placeOf(id);
      if (place === null) continue;
      const reach = isStill.matches ? 2 : 1 + age * (5 + Math.min(place.r, 30) * 0.5);
      context.beginPath();
      context.arc(place.x, place.y, place.r + reach, 0, 2 * Math.PI);
      context.globalAlpha = isStill.matches ? 1 : 0.85 * (1 - age);
      context.strokeStyle = colors[tone];
      context.lineWidth = isStill.matches ? 2 : 3 - age;
      context.stroke();
    }
    context.globalAlpha = 1;
    if (this.#pulses.size === 0) return null;
    return isStill.matches ? rest : 0;
  }
}
