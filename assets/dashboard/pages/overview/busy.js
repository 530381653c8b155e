// Who was busy over the last two hours, five minutes a cell.

import { html, useState } from "../../core/view.js";
import { useQuery } from "../../core/query.js";
import { hrefOf } from "../../core/route.js";
import { count, timeOfDayShort } from "../../core/format.js";
import { agentById } from "../../core/fleet.js";
import { RecordEvent } from "../../parts/commands.js";
import { FigureButtons } from "../../parts/figure_buttons.js";
import { Empty, Panel } from "../../parts/panel.js";

const TITLE = "Busiest agents";
const SHOWN = 12;
const HEIGHT = 452;
const BUSY = `/api/v1/agents/activity?minutes=120&limit=${SHOWN}`;

export function Busy() {
  const activity = useQuery(BUSY, { on: ["operations", "metrics"] });
  const [isTable, setTable] = useState(false);
  const hasAny = activity.data?.agents.length > 0;
  const buttons = hasAny && html`
    <${FigureButtons} title=${TITLE} isTable=${isTable} onTable=${setTable} lines=${() => linesOf(activity.data)} />`;
  return html`
    <${Panel} title=${TITLE} note="the last two hours" query=${activity} height=${HEIGHT} actions=${buttons}>
      ${(data) => (!hasAny ? html`<${Quiet} />` : isTable ? html`<${Figures} ...${data} />` : html`<${Timeline} ...${data} />`)}
    </${Panel}>`;
}

const timesOf = ({ from, step_minutes: step, agents: [{ operations }] }) =>
  operations.map((_, index) => new Date(Date.parse(from) + index * step * 60_000).toISOString());

const linesOf = (data) => [
  ["agent", "time", "operations", "metrics", "refused"],
  ...data.agents.flatMap(({ name, operations, metrics, refused }) =>
    timesOf(data).map((time, index) => [name, time, operations[index], metrics[index], refused[index]])),
];

const nameOf = ({ agent_id, name }) => agentById(agent_id)?.display_name ?? name;
const total = ({ operations, metrics }) => operations.map((value, index) => value + metrics[index]);
const told = (recorded, refused) => `${count(recorded)} recorded, ${count(refused)} refused`;

function Timeline(data) {
  const { agents, step_minutes: step } = data;
  const most = Math.max(...agents.flatMap(total));
  const times = timesOf(data);
  const end = Date.parse(times.at(-1)) + step * 60_000;
  return html`
    <ul class="busy">
      ${agents.map((agent) => html`
        <li key=${agent.agent_id}>
          <a class="clip" href=${hrefOf(`/agents/${agent.agent_id}`)}>${nameOf(agent)}</a>
          <${Strip} times=${times} agent=${agent} most=${most} />
          <span class="number">${count(agent.total)}</span>
        </li>`)}
      <li class="axis" aria-hidden="true">
        <span>${[times[0], times[times.length / 2], end].map((time) => html`<time key=${time}>${timeOfDayShort(time)}</time>`)}</span>
      </li>
    </ul>`;
}

// Darker is busier; a mark below tells that something was refused.
function Strip({ times, agent, most }) {
  const totals = total(agent);
  const refused = agent.refused.reduce((sum, value) => sum + value, 0);
  return html`
    <svg class="strip" viewBox="0 0 ${totals.length * 10} 20" preserveAspectRatio="none" role="img" aria-label=${told(agent.total, refused)}>
      ${totals.map((value, index) => html`
        <g key=${index}>
          <title>${timeOfDayShort(times[index])}: ${told(value, agent.refused[index])}</title>
          <rect x=${index * 10} y="0" width="9" height="20" fill="var(--raised)" />
          ${value > 0 && html`<rect x=${index * 10} y="0" width="9" height="20" fill="var(--accent)" opacity=${0.2 + 0.8 * Math.sqrt(value / most)} />`}
          ${agent.refused[index] > 0 && html`<rect x=${index * 10} y="16" width="9" height="4" fill="var(--bad)" />`}
        </g>`)}
    </svg>`;
}

// What was recorded in each step; what of it was refused is in brackets.
function Figures(data) {
  const times = timesOf(data);
  return html`
    <div class="chart-table busy-figures" tabindex="0" role="region" aria-label="${TITLE}, figures" style=${{ height: `${HEIGHT}px` }}>
      <table>
        <thead><tr><th scope="col">Agent</th>${times.map((time) => html`
          <th scope="col" class="number nowrap" key=${time}>${timeOfDayShort(time)}</th>`)}</tr></thead>
        <tbody>${data.agents.map((agent) => html`
          <tr key=${agent.agent_id}><th scope="row"><span class="named">${nameOf(agent)}</span></th>
            ${total(agent).map((value, index) => html`
              <td class="number nowrap" key=${index}>${count(value)}${agent.refused[index] > 0 && ` (${count(agent.refused[index])})`}</td>`)}</tr>`)}
        </tbody>
      </table>
    </div>`;
}

const Quiet = () => html`
  <${Empty}>
    <p>No registered agent did anything in the last two hours. Tell of an operation:</p>
    <${RecordEvent} />
  </${Empty}>`;
