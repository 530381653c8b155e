// Who is pointed at on the map, beside it and never beyond the window's edge.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { agentById, fleet } from "../../core/fleet.js";
import { hrefOf } from "../../core/route.js";
import { money, words } from "../../core/format.js";
import { visible } from "../../parts/json.js";
import { Ago, BudgetBar, EventType, Status } from "../../parts/marks.js";

const APART_PX = 10;

// `pointed` is the scene's signal, `canvas` where it points at, `lastEventOf(id)` the newest event known or undefined.
export function Card({ pointed, canvas, lastEventOf }) {
  const card = useRef(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  const at = pointed.value;
  const agent = fleet.value && at && agentById(at.id);
  useLayoutEffect(() => {
    if (!agent) return;
    const { left, top } = canvas.current.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = card.current;
    const right = left + at.x + at.r + APART_PX;
    const isRoom = right + width <= innerWidth - APART_PX;
    const within = (value, most) => Math.round(Math.max(APART_PX, Math.min(value, most - APART_PX)));
    const next = {
      left: within(isRoom ? right : left + at.x - at.r - APART_PX - width, innerWidth - width),
      top: within(top + at.y - height / 2, innerHeight - height),
    };
    if (next.left !== place.left || next.top !== place.top) setPlace(next);
  });
  if (!agent) return null;
  const event = lastEventOf(agent.agent_id);
  return html`
    <div class="map-card stack" ref=${card} data-touch=${at.isTouch || undefined}
      style=${{ left: `${place.left}px`, top: `${place.top}px` }}>
      <div><b class="map-card-name">${visible(agent.display_name)}</b><code class="muted clip">${visible(agent.name)}</code></div>
      <div class="row wrap small"><${Status} status=${agent.status} />
        <span class="muted clip">${visible(`${words(agent.role)} in ${words(agent.category)}`)}</span></div>
      <div class="small">${money(agent.cost_used_today, agent.currency)} of
        ${" "}${money(agent.max_cost_per_day, agent.currency)} today</div>
      <${BudgetBar} used=${agent.cost_used_today} limit=${agent.max_cost_per_day} currency=${agent.currency} />
      <div class="small">${event
        ? html`<div class="row"><${EventType} type=${event.type} /><span class="spring" />
            <span class="muted"><${Ago} at=${event.timestamp} /></span></div>
          <div class="map-card-event muted">${visible(event.message ?? "")}</div>`
        : html`<span class="muted">Last active <${Ago} at=${agent.last_active_at} /></span>`}</div>
      ${at.isTouch && html`<a class="button" href=${hrefOf(`/agents/${agent.agent_id}`)}>Open</a>`}
    </div>`;
}
