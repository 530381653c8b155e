// The newest events; it holds still while it is read.

import { html, useRef } from "../../core/view.js";
import { arrived, events } from "../../core/feed.js";
import { hrefOf } from "../../core/route.js";
import { origin } from "../../core/stream.js";
import { count, timeOfDay } from "../../core/format.js";
import { useHeld } from "../../parts/held.js";
import { stateOf } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";

const SHOWN = 14;
const HEIGHT = 434;

export function Feed() {
  const { isHeld, watch } = useHeld();
  const held = useRef({ rows: [], at: 0 });
  const all = arrived.value;
  if (!isHeld) held.current = { rows: events.slice(-SHOWN).reverse(), at: all };
  const { rows, at } = held.current;
  return html`
    <${Panel} title="Live" query=${{ data: origin.value ?? undefined }} height=${HEIGHT} note=${isHeld && all > at ? `held, ${count(all - at)} new` : ""}
      actions=${html`<a href=${hrefOf("/activity")}>All activity</a>`}>
      ${() => html`
        <ul class="feed-lines" ...${watch}>
          ${rows.map((event) => html`<${Line} key=${event.seq ?? `gap ${event.to}`} event=${event} />`)}
        </ul>
        ${rows.length === 0 && html`<p class="muted">Nothing has happened yet. What agents do shows here at once.</p>`}`}
    </${Panel}>`;
}

function Line({ event }) {
  if (event.type === "gap") {
    return html`<li class="muted">Events ${event.from} to ${event.to} are ${event.isKept ? "not shown" : "not kept any more"}.</li>`;
  }
  const message = String(event.message ?? "").slice(0, 300);
  return html`
    <li>
      <time class="muted number" dateTime=${event.timestamp}>${timeOfDay(event.timestamp)}</time>
      <a class="clip state" data-state=${stateOf(event.type)} href=${hrefOf("/activity", { event: event.seq })} title=${message}><span class="clip">${message}</span></a>
    </li>`;
}
