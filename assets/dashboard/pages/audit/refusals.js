// Why operations were refused, and whose they were; each filters the list.

import { html, useState } from "../../core/view.js";
import { useQuery } from "../../core/query.js";
import { urlOf } from "../../core/api.js";
import { hrefWith } from "../../core/route.js";
import { count, exact } from "../../core/format.js";
import { Bars } from "../../parts/bars.js";
import { visible } from "../../parts/json.js";
import { Panel } from "../../parts/panel.js";

const REFUSALS = "/api/v1/events/audit/refusals";
const SHOWN = 6;

// The refusals among the records that `parameters` ask for, as far as they can be told apart there.
export function useRefusals({ agent_id, agent_role, operation_type, start_date, end_date }) {
  const parameters = { agent_id, agent_role, operation_type, start_date, end_date };
  return useQuery(urlOf(REFUSALS, parameters), { on: ["operations"] });
}

export function Refusals({ query, filters }) {
  return html`
    <${Ranking} title="Refusals by reason" query=${query}
      itemsOf=${({ reasons }) => reasons.map((each) => reasonBar(each, filters))} />
    <${Ranking} title="Refusals by agent" query=${query}
      itemsOf=${({ agents }) => agents.map((each) => agentBar(each, filters))} />`;
}

function reasonBar({ reason, count: value, denied, requires_approval }, filters) {
  const isChosen = filters.reason === reason;
  // A reason of one kind of refusal alone: the list then holds just what the bar counts.
  const only = requires_approval === 0 ? "denied" : denied === 0 ? "requires_approval" : null;
  const href = hrefWith(isChosen ? { reason: null, rbac_decision: null } : { reason, rbac_decision: only, record: null });
  return { key: reason, label: visible(reason), value, text: count(value), href, isChosen };
}

function agentBar({ agent_id, name, count: value }, filters) {
  const isChosen = filters.agent_id === agent_id;
  const href = hrefWith({ agent_id: isChosen ? null : agent_id, record: null });
  return { key: agent_id, label: visible(name), value, text: count(value), href, isChosen };
}

function Ranking({ title, query, itemsOf }) {
  const [isLong, setLong] = useState(false);
  const note = query.data && !query.data.complete ? `of the newest ${exact(query.data.examined)}` : null;
  return html`
    <${Panel} title=${title} note=${note} query=${query} height=${180}>${(data) => {
      const items = itemsOf(data);
      if (items.length === 0) return html`<p class="muted small">Nothing was refused in this time.</p>`;
      return html`
        <${Bars} label=${title} color="var(--bad)" items=${isLong ? items : items.slice(0, SHOWN)} />
        ${items.length > SHOWN && html`
          <button class="link small" aria-expanded=${isLong} onClick=${() => setLong(!isLong)}>
            ${isLong ? "Fewer" : `${items.length - SHOWN} more`}</button>`}`;
    }}</${Panel}>`;
}
