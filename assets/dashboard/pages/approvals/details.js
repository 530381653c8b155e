// One question in full: what is asked, how the decision came about, and what was answered.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { useQuery } from "../../core/query.js";
import { hrefOf } from "../../core/route.js";
import { exact, moment, money, words } from "../../core/format.js";
import { CopyButton } from "../../parts/copy.js";
import { Drawer } from "../../parts/drawer.js";
import { Json } from "../../parts/json.js";
import { Ago, Answered, Decision, TimeLeft } from "../../parts/marks.js";
import { LongText } from "../../parts/more.js";
import { Panel } from "../../parts/panel.js";
import { Answer } from "./answer.js";
import { AgentName, shown } from "./question.js";

const MEMBERS = [
  ["command", "Command"], ["path", "Path"], ["api", "Service"], ["target", "Target"], ["cwd", "Folder"], ["project_root", "Project"],
];

export function Details({ id, onClose, onStep }) {
  const query = useQuery(`/api/v1/approvals/${encodeURIComponent(id)}`, { on: ["approvals"], every: 500 });
  const title = query.data && !query.isOld ? `Approval: ${shown(query.data.question.tool)}` : "Approval";
  return html`
    <${Drawer} title=${title} onClose=${onClose} onStep=${onStep}>
      <${Panel} query=${query} height=${480}>${(approval) => html`<${Approval} approval=${approval} reload=${query.reload} />`}</${Panel}>
    </${Drawer}>`;
}

function Approval({ approval, reload }) {
  const { approval_id, status, agent_id, agent_name, agent_role, question, rule, audit_seq, created_at, expires_at } = approval;
  const isPending = status === "pending";
  const [isAsked, setAsked] = useState(false); // then what became of it is told where the reader is
  const drawer = useRef(null);
  useLayoutEffect(() => {
    // The buttons go with the answer; who pressed one stays here.
    if (document.activeElement === document.body) drawer.current?.focus();
  }, [status]);
  const onAsk = (isSo) => {
    setAsked(isSo);
    if (!isSo) reload();
  };
  const long = (text) => html`<span class="mono"><${LongText} text=${shown(text)} /></span>`;
  const link = `${location.origin}${hrefOf("/approvals", { approval: approval_id })}`;
  return html`
    <div class="stack ask-details" ref=${(element) => { drawer.current = element?.closest(".drawer") ?? null; }}>
      <div class="row wrap">
        <${Answered} ...${approval} />
        ${isPending && html`<${TimeLeft} at=${expires_at} />`}
        <span class="spring" /><${CopyButton} text=${() => link} label="Copy link" />
      </div>
      ${(isPending || isAsked) && html`<${Answer} approval=${approval} place=${drawer} onAsk=${onAsk} />`}
      <dl class="facts">
        <dt>Agent</dt><dd><${AgentName} id=${agent_id} name=${agent_name} /> <span class="muted">${shown(agent_role)}</span></dd>
        <dt>Tool</dt><dd>${shown(question.tool)}</dd>
        ${MEMBERS.map(([member, label]) => question[member] !== undefined && html`<dt>${label}</dt><dd>${long(question[member])}</dd>`)}
        ${question.command_sha256 && html`<dt>Whole command</dt><dd><span class="muted">is longer; its SHA-256:</span> <code>${shown(question.command_sha256)}</code></dd>`}
        ${question.session_id !== undefined && html`<dt>Session</dt>
          <dd><a href=${hrefOf("/audit", { session_id: question.session_id })}>${shown(question.session_id)}</a></dd>`}
        ${question.estimated_cost_usd !== undefined && html`<dt>May cost</dt><dd>${money(question.estimated_cost_usd)}</dd>`}
        ${question.estimated_tokens !== undefined && html`<dt>May take</dt><dd>${exact(question.estimated_tokens)} tokens</dd>`}
        <dt>Asked by rule</dt><dd>${shown(rule)}</dd>
        <dt>Asked</dt><dd title=${moment(created_at)}><${Ago} at=${created_at} /></dd>
        ${!isPending && html`<${Outcome} approval=${approval} />`}
        <dt>Audit record</dt><dd><a href=${hrefOf("/audit", { record: audit_seq })}>${exact(audit_seq)}</a></dd>
        <dt>Address</dt><dd><a href=${link}>${link}</a></dd>
      </dl>
      <${Checks} seq=${audit_seq} />
      <${Json} value=${approval} />
    </div>`;
}

function Outcome({ approval: { status, resolved_at, resolved_by, reason, expires_at } }) {
  if (status === "expired") return html`<dt>Ended</dt><dd><${Ago} at=${expires_at} />: nobody answered in time, which counts as denied</dd>`;
  return html`
    <dt>Answered</dt><dd><${Ago} at=${resolved_at} /> by ${shown(resolved_by)}</dd>
    ${reason && html`<dt>Reason</dt><dd><${LongText} text=${shown(reason)} /></dd>`}`;
}

// What each dimension of the decision said, from its audit record.
function Checks({ seq }) {
  const query = useQuery(`/api/v1/events/audit/${seq}`);
  return html`
    <${Panel} title="How it was decided" query=${query} height=${140}>${({ context }) => html`
      <ul class="checks">${(context?.checks ?? []).map(({ dimension, outcome, rule }) => html`
        <li key=${dimension}><span>${words(dimension)}</span><span class="small muted breakable">${shown(rule)}</span><${Decision} decision=${outcome} /></li>`)}
      </ul>`}</${Panel}>`;
}
