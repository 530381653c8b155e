// The records as a table, the newest first.

import { html } from "../../core/view.js";
import { parameter, setParameters } from "../../core/route.js";
import { amount, count, words } from "../../core/format.js";
import { ColumnChoice } from "../../parts/columns.js";
import { icon } from "../../parts/icon.js";
import { visible } from "../../parts/json.js";
import { Ago, Amount, Decision } from "../../parts/marks.js";
import { Panel, Problem } from "../../parts/panel.js";
import { Table } from "../../parts/table.js";
import { actorOf } from "./filters.js";

const NAME = "audit";
const HEIGHT = "clamp(320px, 72dvh, 900px)";

const shown = (text) => visible(String(text ?? ""));
const COLUMNS = [
  { key: "seq", label: "No.", width: "64px", number: true, value: ({ seq }) => seq },
  { key: "time", label: "Time", width: "92px", value: ({ timestamp }) => timestamp,
    cell: ({ timestamp }) => html`<${Ago} at=${timestamp} />` },
  { key: "agent", label: "Agent", width: "minmax(90px, 1.2fr)", value: ({ agent }) => shown(actorOf(agent)) },
  { key: "role", label: "Role", width: "minmax(80px, 0.7fr)", priority: 3, value: ({ agent }) => shown(agent.role) },
  { key: "operation", label: "Operation", width: "minmax(110px, 1fr)", priority: 2,
    value: ({ operation }) => shown(`${words(operation.type)}: ${operation.detail}`) },
  { key: "target", label: "Target", width: "minmax(110px, 1.4fr)", priority: 2, value: ({ target }) => shown(target.resource) },
  { key: "decision", label: "Decision", width: "136px", value: ({ rbac }) => words(rbac.decision),
    cell: ({ rbac }) => html`<${Decision} decision=${rbac.decision} />` },
  { key: "reason", label: "Reason", width: "minmax(110px, 1.4fr)", priority: 2, value: ({ rbac }) => shown(rbac.reason) },
  { key: "cost", label: "Cost (USD)", width: "80px", number: true, priority: 3, value: ({ cost }) => cost.usd,
    text: ({ cost }) => amount(cost.usd), cell: ({ cost }) => html`<${Amount} value=${cost.usd} />` },
  { key: "session", label: "Session", width: "minmax(90px, 0.8fr)", priority: 3, value: ({ session_id }) => shown(session_id) },
];

export function RecordTable({ list }) {
  const query = { data: list.records, isOld: list.isOld, error: list.records ? undefined : list.error, reload: list.retry };
  const actions = html`<${News} list=${list} /><${ColumnChoice} table=${NAME} columns=${COLUMNS} />`;
  const note = list.next !== null && list.records?.length === 0 && "looking further back";
  return html`
    <${Panel} title="Records" note=${note} query=${query} height=${480} actions=${actions}>${(records) => html`
      <${Table} key=${list.key} name=${NAME} label="Audit records, newest first" columns=${COLUMNS} rows=${records}
        rowKey=${({ seq }) => seq} selected=${Number(parameter("record") ?? NaN)} height=${HEIGHT} isSorted=${false}
        onOpen=${({ seq }) => setParameters({ record: seq }, { push: parameter("record") === null })} onEnd=${list.more} />
      ${list.error && html`<${Problem} error=${list.error} retry=${list.retry} />`}`}
    </${Panel}>`;
}

// What arrived since the list was read. It waits to be asked for: rows under a reader's eyes stay where they are.
function News({ list: { news, renew } }) {
  const { count: arrived, hasGap } = news.value;
  if (arrived === 0 && !hasGap) return null;
  const show = async () => {
    await renew();
    const grid = document.getElementById(`table-${NAME}`);
    grid?.scrollTo({ top: 0 });
    grid?.focus({ preventScroll: true });
  };
  const text = arrived === 0 ? "Maybe new" : `${count(arrived)}${hasGap ? "+" : ""} new`;
  return html`<button class="button primary" onClick=${show}>${icon("up")}${text}</button>`;
}
