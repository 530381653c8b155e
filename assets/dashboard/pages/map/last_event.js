// The newest event in a line below the map.

import { html } from "../../core/view.js";
import { timeOfDay } from "../../core/format.js";
import { visible } from "../../parts/json.js";
import { EventType } from "../../parts/marks.js";

export function LastEvent({ newest }) {
  const event = newest.value;
  return html`
    <p class="map-last row small" aria-label="Last event">
      ${event === null
        ? html`<span class="muted">Each event pulses here as it arrives.</span>`
        : html`<span class="number muted">${timeOfDay(event.timestamp)}</span><${EventType} type=${event.type} />
          <span class="clip">${visible(event.message.slice(0, 300))}</span>`}
    </p>`;
}
