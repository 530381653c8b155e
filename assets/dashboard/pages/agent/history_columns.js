// What the timeline shows of an operation or a metric.

import { html } from "../../core/view.js";
import { duration, exact, percent, words } from "../../core/format.js";
import { Ago, Amount, Decision, Tokens } from "../../parts/marks.js";

function whatOf({ kind, record }) {
  if (kind === "metric") return words(record.metric_type);
  const { type, detail } = record.operation;
  return detail === "unknown" ? words(type) : detail;
}

function onWhat({ kind, record }) {
  if (kind === "operation") return record.target.resource === "unknown" ? "" : record.target.resource;
  return [
    record.execution_time_ms !== null && duration(record.execution_time_ms),
    record.quality_score !== null && `quality ${percent(record.quality_score)}`,
    record.tasks_completed > 0 && `${exact(record.tasks_completed)} done`,
    record.tasks_failed > 0 && `${exact(record.tasks_failed)} failed`,
  ].filter(Boolean).join(", ");
}

const costOf = ({ kind, record }) => (kind === "metric" ? record.cost_usd : record.cost.usd) || null;
const tokensOf = ({ kind, record }) => (kind === "metric" ? record.tokens_used : record.cost.tokens_used) || null;

function outcomeOf({ kind, record }) {
  if (kind === "operation") return record.rbac.decision;
  return record.success === null ? "" : record.success ? "succeeded" : "failed";
}

function Outcome({ entry }) {
  const outcome = outcomeOf(entry);
  if (entry.kind === "operation") return html`<${Decision} decision=${outcome} />`;
  return outcome && html`<span class="state" data-state=${outcome === "failed" ? "bad" : "ok"}>${outcome}</span>`;
}

export const COLUMNS = [
  { key: "at", label: "When", width: "92px", value: ({ at }) => at, cell: ({ at }) => html`<${Ago} at=${at} />` },
  { key: "what", label: "What", width: "minmax(110px, 1fr)", value: whatOf },
  { key: "on", label: "On", width: "minmax(120px, 2fr)", priority: 2, value: onWhat },
  { key: "outcome", label: "Outcome", width: "140px", value: outcomeOf, cell: (entry) => html`<${Outcome} entry=${entry} />` },
  { key: "tokens", label: "Tokens", width: "72px", number: true, priority: 3, value: tokensOf,
    cell: (entry) => html`<${Tokens} value=${tokensOf(entry)} />` },
  { key: "cost", label: "USD", width: "76px", number: true, priority: 2, value: costOf,
    cell: (entry) => html`<${Amount} value=${costOf(entry)} />` },
];
