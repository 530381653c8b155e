// What the table of agents shows of each. The keys are the members of the API.

import { html } from "../../core/view.js";
import { amount, count, duration, percent, tokens } from "../../core/format.js";
import { hrefOf } from "../../core/route.js";
import { Ago, BudgetBar, Grade, Status, gradeOf } from "../../parts/marks.js";
import { Sparkline } from "../../parts/sparkline.js";

export const agentHref = ({ agent_id }, filters) => hrefOf(`/agents/${agent_id}`, filters);

const shareOf = ({ cost_used_today, max_cost_per_day }) => cost_used_today / max_cost_per_day;

// `activity` maps an agent's id to what it did in the last hour; without an entry it did nothing.
export const agentColumns = (activity) => [
  {
    key: "display_name", label: "Name", width: "minmax(108px, 2.4fr)", value: (agent) => agent.display_name,
    cell: (agent) => html`
      <a class="clip" href=${agentHref(agent)} tabindex="-1" title="${agent.display_name}\n${agent.name}">
        ${agent.display_name}</a>`,
  },
  {
    key: "status", label: "Status", width: "72px", value: ({ status }) => status,
    cell: ({ status }) => html`<${Status} status=${status} />`,
  },
  { key: "role", label: "Role", width: "minmax(88px, 1fr)", priority: 2, value: ({ role }) => role },
  { key: "category", label: "Category", width: "minmax(88px, 1fr)", priority: 2, value: ({ category }) => category },
  {
    key: "activity", label: "Last hour", width: "96px", priority: 2, number: true,
    value: ({ agent_id }) => activity.get(agent_id)?.total ?? 0,
    cell: ({ agent_id }) => html`<${Activity} did=${activity.get(agent_id)} />`,
  },
  {
    key: "budget", label: "Budget", width: "minmax(92px, 1.2fr)", number: true, value: shareOf,
    cell: ({ cost_used_today, max_cost_per_day, currency }) => html`
      <${BudgetBar} used=${cost_used_today} limit=${max_cost_per_day} currency=${currency} />`,
  },
  {
    key: "cost_used_today", label: "Cost today", width: "84px", priority: 3, number: true,
    value: (agent) => agent.cost_used_today,
    text: ({ currency, cost_used_today }) => `${currency === "USD" ? "" : `${currency} `}${amount(cost_used_today)}`,
  },
  {
    key: "tokens_used_today", label: "Tokens today", width: "96px", priority: 4, number: true,
    value: (agent) => agent.tokens_used_today,
    text: (agent) => tokens(agent.tokens_used_today),
  },
  {
    key: "success_rate", label: "Success", width: "76px", priority: 2, number: true,
    value: (agent) => agent.success_rate,
    text: (agent) => percent(agent.success_rate ?? NaN),
  },
  {
    key: "quality_score", label: "Quality", width: "72px", priority: 2, number: true,
    value: (agent) => agent.quality_score,
    text: (agent) => gradeOf(agent.quality_score), cell: (agent) => html`<${Grade} score=${agent.quality_score} />`,
  },
  {
    key: "avg_execution_time_ms", label: "Avg time", width: "80px", priority: 4, number: true,
    value: (agent) => agent.avg_execution_time_ms,
    text: (agent) => duration(agent.avg_execution_time_ms ?? NaN),
  },
  {
    key: "total_tasks_completed", label: "Tasks", width: "64px", priority: 4, number: true,
    value: (agent) => agent.total_tasks_completed,
    text: (agent) => count(agent.total_tasks_completed),
  },
  {
    key: "last_active_at", label: "Last active", width: "84px", number: true, value: (agent) => agent.last_active_at,
    cell: (agent) => html`<${Ago} at=${agent.last_active_at} />`,
  },
  {
    key: "created_at", label: "Created", width: "84px", priority: 6, number: true, value: (agent) => agent.created_at,
    cell: (agent) => html`<${Ago} at=${agent.created_at} />`,
  },
  { key: "tags", label: "Tags", width: "minmax(110px, 1.2fr)", priority: 5, value: ({ tags }) => tags.join(", ") },
  {
    key: "name", label: "Identifier", width: "minmax(140px, 1.4fr)", priority: 6, value: ({ name }) => name,
    cell: ({ name }) => html`<span class="clip mono" title=${name}>${name}</span>`,
  },
];

const IDLE = { operations: [], metrics: [], refused: [], total: 0 };

function Activity({ did = IDLE }) {
  const refused = did.refused.reduce((sum, each) => sum + each, 0);
  const label = `${count(did.total)} in the last hour${refused > 0 ? `, ${count(refused)} refused` : ""}`;
  return html`<span title=${label}><${Sparkline} label=${label} width=${80} height=${20}
    values=${did.operations.map((number, index) => number + did.metrics[index])} /></span>`;
}
