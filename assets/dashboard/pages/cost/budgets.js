// The agents' budgets for today, the fullest first.

import { html } from "../../core/view.js";
import { fleet } from "../../core/fleet.js";
import { exact, money } from "../../core/format.js";
import { hrefOf } from "../../core/route.js";
import { BudgetBar, levelOf } from "../../parts/marks.js";
import { Empty, Panel } from "../../parts/panel.js";
import { ROW_PX } from "../../parts/table.js";

const SHOWN = 10;
const share = ({ cost_used_today: used, max_cost_per_day: limit }) => (limit > 0 ? used / limit : 0);

export function Budgets() {
  const { agents, error, isLoading } = fleet.value;
  const query = { data: isLoading ? undefined : agents, error: agents.length === 0 ? error : null };
  return html`
    <${Panel} title="Budgets today" note="by agent, the fullest first" query=${query}
      height=${ROW_PX * SHOWN}>${() => {
      const used = agents.filter((agent) => agent.cost_used_today > 0).sort((a, b) => share(b) - share(a));
      if (used.length === 0) {
        return html`<${Empty}><p>No agent has spent anything today. The day is that of UTC.</p></${Empty}>`;
      }
      return html`
        <ul class="budgets">${used.slice(0, SHOWN).map((agent) => html`
          <${Budget} key=${agent.agent_id} agent=${agent} />`)}</ul>
        ${used.length > SHOWN && html`
          <a class="small" href=${hrefOf("/agents", { sort: "-budget" })}>${exact(used.length - SHOWN)} more spent
            today: all agents</a>`}`;
    }}</${Panel}>`;
}

function Budget({ agent: { agent_id, name, currency, cost_used_today: used, max_cost_per_day: limit } }) {
  const level = levelOf(used, limit);
  return html`
    <li>
      <a class="clip" title=${name} href=${hrefOf(`/agents/${agent_id}`)}>${name}</a>
      <span class="number muted">${money(used, currency)} of ${money(limit, currency)}${level !== "normal" && ", "}
        ${level !== "normal" && html`<b data-level=${level}>${level}</b>`}</span>
      <${BudgetBar} used=${used} limit=${limit} currency=${currency} />
    </li>`;
}
