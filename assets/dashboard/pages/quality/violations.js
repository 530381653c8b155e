// The newest records with broken rules.

import { html } from "../../core/view.js";
import { exact } from "../../core/format.js";
import { agentById } from "../../core/fleet.js";
import { hrefOf } from "../../core/route.js";
import { Ago } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";

export function Violations({ window, report }) {
  return html`
    <${Panel} title="Violations" note="the newest, ${window}" query=${report} height=${320}>${({ violations: all }) => (
      all.length === 0
        ? html`<p class="muted">No rule was broken.</p>`
        : html`<ul class="violations" tabindex="0" aria-label="Violations, newest first">
            ${all.map((violation, index) => html`
              <${Violation} key=${`${violation.timestamp} ${index}`} violation=${violation} />`)}</ul>`)}</${Panel}>`;
}

function Violation({ violation: { agent_id, agent_name, count, timestamp } }) {
  const name = agentById(agent_id) // those that were deleted have no page
    ? html`<a class="clip" title=${agent_name} href=${hrefOf(`/agents/${agent_id}`)}>${agent_name}</a>`
    : html`<span class="clip" title=${agent_name}>${agent_name}</span>`;
  return html`<li><b class="number">${exact(count)}</b>${name}
    <span class="muted"><${Ago} at=${timestamp} /></span></li>`;
}
