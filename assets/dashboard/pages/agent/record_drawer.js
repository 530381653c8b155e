// The whole record of an operation or a metric.

import { html } from "../../core/view.js";
import { urlOf } from "../../core/api.js";
import { hrefOf, parameter } from "../../core/route.js";
import { useQuery } from "../../core/query.js";
import { words } from "../../core/format.js";
import { Drawer } from "../../parts/drawer.js";
import { Json } from "../../parts/json.js";
import { Ago, Decision } from "../../parts/marks.js";
import { LongText } from "../../parts/more.js";
import { Empty, Panel } from "../../parts/panel.js";
import { entryOf } from "./history_store.js";

const MOST = 1_000; // metrics of one microsecond

// `entry` is the record where the list behind the drawer has it; else the address says which it is.
export function RecordDrawer({ agentId, entry, ...drawer }) {
  const kind = parameter("operation") === null ? "metric" : "operation";
  const seq = Number(parameter(kind));
  const query = useQuery(entry ? null : addressOf(kind, seq, agentId));
  const ready = entry ? { data: entry, reload: () => {} } : query;
  const title = `${kind === "metric" ? "Metric" : "Operation"} ${seq}`;
  return html`
    <${Drawer} title=${title} ...${drawer}>
      <${Panel} query=${ready} height=${300}>${(data) => {
        const found = entry ?? foundIn(data, kind, seq);
        return found ? html`<${Facts} entry=${found} /><${Json} value=${found.record} />` : html`
          <${Empty}><p>There is no such record of this agent.</p></${Empty}>`;
      }}</${Panel}>
    </${Drawer}>`;
}

function addressOf(kind, seq, agent_id) {
  if (kind === "operation") return `/api/v1/events/audit/${seq}`;
  const at = parameter("at");
  return urlOf("/api/v1/metrics/", { agent_id, start_date: at, end_date: at, limit: MOST });
}

function foundIn(data, kind, seq) {
  const record = kind === "metric" ? data.find((each) => each.seq === seq) : data;
  return record ? entryOf(kind, record) : null;
}

const long = (text) => html`<${LongText} text=${text} />`;

function Facts({ entry: { kind, at, record } }) {
  const facts = [
    ["When", html`<${Ago} at=${at} />`],
    ...(kind === "operation" ? [
      ["Operation", long(`${words(record.operation.type)}: ${record.operation.detail}`)],
      ["Target", long(record.target.resource)],
      ["Decision", html`<${Decision} decision=${record.rbac.decision} />`],
      ["Reason", long(record.rbac.reason)],
    ] : [["Type", words(record.metric_type)]]),
    ["Session", record.session_id
      ? html`<a class="row" href=${hrefOf("/audit", { session_id: record.session_id })}>
      <span class="clip" title=${record.session_id}>${record.session_id}</span></a>` : "none"],
  ];
  return html`<dl class="facts">${facts.map(([label, value]) => html`<dt key=${label}>${label}</dt><dd>${value}</dd>`)}</dl>`;
}
