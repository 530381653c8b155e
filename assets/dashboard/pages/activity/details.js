// The details of one event: the record, its neighbours in the session, and the proof that it was recorded.

import { html } from "../../core/view.js";
import { urlOf } from "../../core/api.js";
import { agentById } from "../../core/fleet.js";
import { duration, exact, moment, percent, timeOfDay, timeOfDayMs } from "../../core/format.js";
import { useQuery } from "../../core/query.js";
import { hrefOf, hrefWith } from "../../core/route.js";
import { EVENTS } from "../../core/stream.js";
import { CopyButton } from "../../parts/copy.js";
import { Drawer } from "../../parts/drawer.js";
import { Json, visible } from "../../parts/json.js";
import { Ago, Decision, EventType, Money, Tokens } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";
import { decisionOf } from "./wanted.js";
import { nameOf, targetOf } from "./line.js";

const NEAR = 5; // neighbours before and after
const NEAR_MS = 10 * 60_000;
const READ = 200; // many may have the same time

const text = (told) => visible(String(told ?? ""));

// `loaded` is the event where the feed has it.
export function Details({ seq, loaded, onClose, onStep }) {
  const query = useQuery(loaded ? null : urlOf(EVENTS, { since: seq - 1, limit: 1 }));
  const event = loaded ?? query.data?.events.find((each) => each.seq === seq);
  return html`
    <${Drawer} title="Event ${exact(seq)}" onClose=${onClose} onStep=${onStep}>
      ${event ? html`<${Facts} event=${event} />`
        : html`<${Panel} query=${query} height=${400}>${(page) => html`<${Missing} seq=${seq} page=${page} />`}</${Panel}>`}
    </${Drawer}>`;
}

const Missing = ({ seq, page: { first_kept, last_seq } }) => html`
  <p>${seq < first_kept ? `This event is not kept any more; the oldest kept is ${exact(first_kept)}.`
    : `There is no such event yet; the newest is ${exact(last_seq)}.`}
    What agents did stays in the <a href=${hrefOf("/audit")}>audit trail</a>.</p>`;

function Facts({ event }) {
  const { metadata = {}, data = {}, timestamp, type } = event;
  const agent = agentById(metadata.agent_id);
  const { operation, target } = targetOf(event);
  const decision = decisionOf(event);
  const session = metadata.session_id;
  const name = nameOf(event);
  return html`
    <p class="event-message">${text(event.message)}</p>
    <dl class="facts">
      <dt>Time</dt><dd title=${moment(timestamp)}>${timeOfDayMs(timestamp)}, <${Ago} at=${timestamp} /></dd>
      <dt>Agent</dt><dd><bdi>${agent ? html`<a href=${hrefOf(`/agents/${agent.agent_id}`)}>${text(name)}</a>` : text(name)}</bdi>
        <span class="muted"> ${text(event.agentRole)}</span>${" "}
        <a href=${hrefWith({ agent: name, event: null })}>only this agent</a></dd>
      <dt>Event</dt><dd><${EventType} type=${type} /></dd>
      ${operation && html`<dt>Operation</dt><dd>${text(operation)}</dd>`}
      ${operation && target && html`<dt>Target</dt><dd><code>${text(target)}</code></dd>`}
      ${decision && html`<dt>Decision</dt><dd><${Decision} decision=${decision} /></dd>`}
      ${metadata.reason && html`<dt>Reason</dt><dd>${text(metadata.reason)}</dd>`}
      ${metadata.cost !== undefined && html`<dt>Cost</dt><dd><${Money} value=${metadata.cost} /></dd>`}
      ${metadata.tokens !== undefined && html`<dt>Tokens</dt><dd><${Tokens} value=${metadata.tokens} /></dd>`}
      ${metadata.duration !== undefined && html`<dt>Duration</dt><dd>${duration(metadata.duration)}</dd>`}
      ${metadata.score !== undefined && html`<dt>Score</dt><dd>${percent(metadata.score)}</dd>`}
      ${metadata.budgetRemaining !== undefined && html`
        <dt>Left today</dt><dd><${Money} value=${metadata.budgetRemaining} /></dd>`}
      ${session && html`<dt>Session</dt><dd><code>${text(session)}</code>${" "}
        <a href=${hrefWith({ session, event: null })}>only this session</a></dd>`}
    </dl>
    ${data.audit_id && html`<${Proof} record=${data} />`}
    ${session && html`<${Neighbours} session=${session} timestamp=${timestamp} own=${data.audit_id} />`}
    <${Json} value=${event} />`;
}

function Proof({ record: { seq, audit_id, hash } }) {
  return html`
    <section class="stack" aria-label="Proof">
      <div class="row"><h3>Proof</h3><span class="spring" /><${CopyButton} text=${() => hash} label="Copy hash" /></div>
      <dl class="facts">
        <dt>Audit record</dt><dd><a href=${hrefOf("/audit", { record: seq })}>${exact(seq)}</a></dd>
        <dt>Id</dt><dd><code>${audit_id}</code></dd>
        <dt>Hash</dt><dd><code>${hash}</code><br />
          <span class="muted">SHA-256 over this record and the hash of the one before it</span></dd>
      </dl>
    </section>`;
}

// What was done in the same session just before and after, from the audit trail.
function Neighbours({ session, timestamp, own }) {
  const at = (ms) => new Date(Date.parse(timestamp) + ms).toISOString();
  const near = (filters) => urlOf("/api/v1/events/audit", { session_id: session, limit: READ, ...filters });
  const before = useQuery(near({ start_date: at(-NEAR_MS), end_date: timestamp }));
  // The list comes newest first: those that followed next are at its end.
  const after = useQuery(near({ start_date: timestamp, end_date: at(NEAR_MS) }), { on: ["operations"] });
  return html`
    <${Panel} title="In the same session" query=${[before, after]} height=${160}
      actions=${html`<a class="small" href=${hrefOf("/audit", { session_id: session })}>Audit trail of the session</a>`}>
      ${(earlier, later) => {
        const all = [...later, ...earlier.filter(({ seq }) => !later.some((each) => each.seq === seq))];
        const place = all.findIndex((record) => record.audit_id === own || record.timestamp <= timestamp);
        const middle = place < 0 ? all.length : place;
        const records = all.slice(Math.max(0, middle - NEAR), middle + NEAR + 1);
        if (records.length === 0) return html`<p class="muted small">Nothing else within ten minutes.</p>`;
        return html`<ul class="session-lines">${records.map((record) => html`
          <li key=${record.audit_id} aria-current=${record.audit_id === own || undefined}>
            <time class="number muted" dateTime=${record.timestamp} title=${moment(record.timestamp)}>
              ${timeOfDay(record.timestamp)}</time>
            <a class="clip" href=${hrefOf("/audit", { record: record.seq })}>
              ${text(record.operation.detail)} <bdi>${text(record.target.resource)}</bdi></a>
            <${Decision} decision=${record.rbac.decision} />
          </li>`)}</ul>`;
      }}
    </${Panel}>`;
}
