// One record in full: every member, its neighbours in the log and in its session, and its proof.

import { html } from "../../core/view.js";
import { agentById } from "../../core/fleet.js";
import { useQuery } from "../../core/query.js";
import { hrefOf, hrefWith, setParameters } from "../../core/route.js";
import { exact, moment, money, words } from "../../core/format.js";
import { CopyButton } from "../../parts/copy.js";
import { Drawer } from "../../parts/drawer.js";
import { Json, visible } from "../../parts/json.js";
import { Decision } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";
import { actorOf, idOf } from "./filters.js";
import { SessionNeighbours } from "./session.js";

const AUDIT = "/api/v1/events/audit";
const FIRST = 0;

const open = (seq) => setParameters({ record: seq });

// `seq` is the number in the address; `list` is stepped through, and where the record is not in it, the log itself.
// `total` is how many records the log holds.
export function RecordDrawer({ seq, list, total, onClose }) {
  const query = useQuery(`${AUDIT}/${encodeURIComponent(seq)}`);
  const number = /^\d+$/.test(seq) ? Number(seq) : query.data?.seq; // an address may name the record by its id
  const step = (by) => {
    const rows = list.records ?? [];
    const at = rows.findIndex((row) => row.seq === number);
    const next = at >= 0 ? rows[at + by]?.seq : number - by;
    if (at + by >= rows.length - 1) list.more();
    if (next >= FIRST && (at >= 0 || next < total)) open(next);
  };
  return html`
    <${Drawer} title="Record ${visible(seq)}" onClose=${onClose} onStep=${step}>
      <${Panel} query=${query} height=${480}>${(record) => html`<${Record} record=${record} total=${total} />`}</${Panel}>
    </${Drawer}>`;
}

function Record({ record, total }) {
  const { seq, audit_id, agent, operation, target, rbac, cost, session_id, timestamp, hash } = record;
  const registered = agentById(agent.registered_id);
  const only = (name, value, label) => html`
    <a class="small nowrap" href=${hrefWith({ [name]: value, record: seq })}>${label}</a>`;
  const text = (value) => visible(String(value || "–"));
  return html`
    <div class="stack">
      <div class="row wrap">
        <${Decision} decision=${rbac.decision} />
        <span class="breakable">${text(words(operation.type))}: ${text(operation.detail)}</span>
      </div>
      <dl class="facts">
        <dt>Time</dt><dd class="audit-moment">${moment(timestamp)}</dd>
        <dt>Agent</dt><dd>${registered
          ? html`<a href=${hrefOf(`/agents/${registered.agent_id}`)}>${text(actorOf(agent))}</a>` : text(actorOf(agent))}
          ${" "}<span class="muted">${text(agent.role)}${!registered && ", not registered"}</span>
          ${" "}${only("agent_id", idOf(agent), "only this agent")}</dd>
        <dt>Told agent id</dt><dd class="mono">${text(agent.agent_id)}</dd>
        <dt>Target</dt><dd><span class="mono">${text(target.resource)}</span> <span class="muted">${text(target.type)}</span></dd>
        <dt>Reason</dt><dd>${text(rbac.reason)} ${rbac.reason && only("reason", rbac.reason, "only this reason")}</dd>
        <dt>Cost</dt><dd>${money(cost.usd)}, ${exact(cost.tokens_used)} tokens</dd>
        <dt>Session</dt><dd><span class="mono">${text(session_id)}</span>
          ${" "}${only("session_id", session_id, "only this session")}</dd>
        <dt>Id</dt><dd class="mono">${audit_id}</dd>
      </dl>
      <${SessionNeighbours} record=${record} />
      <${Proof} seq=${seq} hash=${hash} total=${total} />
      <${Json} value=${record} />
    </div>`;
}

// The log is a chain: each hash covers its record and the hash before it, so that none can be changed unseen.
function Proof({ seq, hash, total }) {
  const before = useQuery(seq > FIRST ? `${AUDIT}/${seq - 1}` : null);
  return html`
    <section class="stack" aria-label="Proof">
      <div class="row"><h3>Proof</h3><span class="spring" /><${CopyButton} text=${() => hash} label="Copy hash" /></div>
      <dl class="facts">
        <dt>Hash</dt><dd class="mono">${hash}</dd>
        ${seq > FIRST && html`<dt>Before it</dt><dd class="mono">${before.isOld ? "" : before.data?.hash}</dd>`}
        <dt>In the log</dt><dd class="row wrap">
          ${seq > FIRST && html`<a href=${hrefWith({ record: seq - 1 })}>Record ${seq - 1}</a>`}
          ${seq + 1 < total && html`<a href=${hrefWith({ record: seq + 1 })}>Record ${seq + 1}</a>`}
        </dd>
      </dl>
      <p class="muted small"><code>agentmap check</code> proves the whole chain.</p>
    </section>`;
}
