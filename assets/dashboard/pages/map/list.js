// The same as the map, to read: categories, their roles, their agents, with counts and spend.

import { html, useMemo, useState } from "../../core/view.js";
import { hrefOf } from "../../core/route.js";
import { count, money, percent, words } from "../../core/format.js";
import { visible } from "../../parts/json.js";
import { Empty } from "../../parts/panel.js";
import { Status, STATUSES } from "../../parts/marks.js";

const ALL_OPEN = 500; // agents; of a larger fleet one opens what one wants to see
const AT_ONCE = 300;

export function FleetList({ agents, amountOf, amountName }) {
  const categories = useMemo(() => grouped(agents, ({ category }) => category), [agents]);
  if (agents.length === 0) return html`<${Empty}><p>No agent matches: remove one of the filters above.</p></${Empty}>`;
  const isOpen = agents.length <= ALL_OPEN;
  return html`
    <div class="map-list">
      ${categories.map(([category, members]) => html`
        <${Group} key=${category} name=${category} agents=${members} isOpen=${isOpen} level="category">
          ${() => grouped(members, ({ role }) => role).map(([role, own]) => html`
            <${Group} key=${role} name=${role} agents=${own} isOpen=${isOpen} level="role">
              ${() => html`<${Agents} agents=${own} amountOf=${amountOf} amountName=${amountName} />`}
            </${Group}>`)}
        </${Group}>`)}
    </div>`;
}

// What is closed is not in the page: ten thousand rows would make it slow. `isOpen` holds until the reader chooses.
function Group({ name, agents, isOpen: isOpenByItself, level, children }) {
  const [chosen, setChosen] = useState(null);
  const isOpen = chosen ?? isOpenByItself;
  const states = STATUSES.map((status) => [status, agents.filter((agent) => agent.status === status).length])
    .filter(([, number]) => number > 0);
  // It is told of what the page opens, too.
  const onToggle = ({ currentTarget }) => { if (currentTarget.open !== isOpen) setChosen(currentTarget.open); };
  return html`
    <details class="map-group" data-level=${level} open=${isOpen} onToggle=${onToggle}>
      <summary>
        <b class="clip">${visible(words(name))}</b>
        <span class="muted">${count(agents.length)} ${agents.length === 1 ? "agent" : "agents"}</span>
        <span class="map-states muted small">${states.map(([status, number]) => `${count(number)} ${status}`).join(", ")}</span>
        <span class="number">${spent(agents)}</span>
      </summary>
      ${isOpen && children()}
    </details>`;
}

// Amounts of different currencies are no sum.
const spent = (agents) => [...Map.groupBy(agents, ({ currency }) => currency)]
  .map(([currency, own]) => money(own.reduce((sum, { cost_used_today }) => sum + cost_used_today, 0), currency)).join(" + ");

function Agents({ agents, amountOf, amountName }) {
  const [shown, setShown] = useState(AT_ONCE);
  return html`
    <ul>
      ${agents.slice(0, shown).map((agent) => html`
        <li key=${agent.agent_id} class="map-row">
          <a class="clip" href=${hrefOf(`/agents/${agent.agent_id}`)} title=${visible(agent.name)}>
            ${visible(agent.display_name)}</a>
          <${Status} status=${agent.status} />
          <span class="number muted map-amount">${amountOf === null ? "" : `${count(amountOf(agent))} ${amountName}`}</span>
          <span class="number">${money(agent.cost_used_today, agent.currency)}</span>
          <span class="number muted">${percent(agent.cost_used_today / agent.max_cost_per_day)}</span>
        </li>`)}
      ${shown < agents.length && html`
        <li><button class="button" onClick=${() => setShown(shown + AT_ONCE)}>
          Show ${count(Math.min(AT_ONCE, agents.length - shown))} more</button></li>`}
    </ul>`;
}

// `[key, agents]`, the largest group first.
function grouped(agents, keyOf) {
  return [...Map.groupBy(agents, keyOf)].sort(([a, many], [b, others]) => others.length - many.length || (a < b ? -1 : 1));
}
