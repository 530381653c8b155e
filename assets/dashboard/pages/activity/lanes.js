// Events of one session lie on one coloured lane, as long as more than one of them is in view.

import { html } from "../../core/view.js";
import { visible } from "../../parts/json.js";

const LANES = 8;
const LANE_PX = 7;
const LANES_PX = (LANES + 1) * LANE_PX;

// Which lane each session has; one that stays in view keeps its lane.
export class Lanes {
  #taken = new Map();

  // `entries` are those in view, in the order shown. Returns `[{session, lane, places}]`, places by index.
  assign(entries) {
    const places = new Map();
    entries.forEach((entry, index) => {
      const session = entry?.metadata?.session_id;
      if (session) places.set(session, [...(places.get(session) ?? []), index]);
    });
    for (const session of this.#taken.keys()) if (!(places.get(session)?.length > 1)) this.#taken.delete(session);
    const free = Array.from({ length: LANES }, (_, lane) => lane).filter((lane) => ![...this.#taken.values()].includes(lane));
    for (const [session, { length }] of places) {
      if (length > 1 && free.length > 0 && !this.#taken.has(session)) this.#taken.set(session, free.shift());
    }
    return [...this.#taken].map(([session, lane]) => ({ session, lane, places: places.get(session) }));
  }
}

// The lanes behind the rows from `first` on.
export function LaneLines({ lanes, first, rowPx }) {
  const y = (place) => (first + place + 0.5) * rowPx;
  return html`
    <svg class="lanes" width=${LANES_PX} height="100%" aria-hidden="true">
      ${lanes.map(({ session, lane, places }) => {
        const [x, color] = [(lane + 1) * LANE_PX, `var(--cat-${lane + 1})`];
        return html`
          <g key=${lane} style=${{ stroke: color, fill: color }}>
            <title>Session ${visible(session.slice(0, 80))}</title>
            <line x1=${x} x2=${x} y1=${y(places[0])} y2=${y(places.at(-1))} />
            ${places.map((place) => html`<circle cx=${x} cy=${y(place)} r="3" />`)}
          </g>`;
      })}
    </svg>`;
}
