// What waits for an answer, one below the other: those that end soonest first, so that what comes moves nothing.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { inOrder, load, pending, subjectOf } from "../../core/approvals.js";
import { handsFocusOn } from "../../core/focus.js";
import { exact } from "../../core/format.js";
import { useShortcuts } from "../../core/keys.js";
import { hrefWith, setParameters } from "../../core/route.js";
import { Ago, Money, TimeLeft } from "../../parts/marks.js";
import { LongText } from "../../parts/more.js";
import { Empty, Panel } from "../../parts/panel.js";
import { Answer } from "./answer.js";
import { AgentName, inOneLine, shown } from "./question.js";

const SHOWN = 50; // those after them come as these are answered
const HEIGHT = 150;

export function Waiting({ opened, actions }) {
  const { list, error, isLoading } = pending.value;
  const [held, setHeld] = useState(new Map());
  // What the reader is about to answer stays where it is until he has seen what became of it.
  const hold = (approval, isHeld) => setHeld((before) => {
    const after = new Map(before);
    if (isHeld) after.set(approval.approval_id, approval);
    else after.delete(approval.approval_id);
    return after;
  });
  const known = new Set(list.map(({ approval_id }) => approval_id));
  const all = inOrder([...list, ...[...held.values()].filter(({ approval_id }) => !known.has(approval_id))]);
  const query = { data: isLoading || (error && list.length === 0) ? undefined : all, error, reload: load };
  const note = all.length === 0 ? "" : `${exact(list.length)}, the soonest to end first`;
  return html`
    <${Panel} title="Waiting for an answer" note=${note} query=${query} height=${HEIGHT} actions=${actions}>${(rows) => (rows.length === 0
      ? html`<${Empty}><p>Nothing waits for an answer. What an agent may do only with a person's approval shows here at once.</p></${Empty}>`
      : html`<${Feed} rows=${rows} opened=${opened} onHold=${hold} />`)}</${Panel}>`;
}

function Feed({ rows, opened, onHold }) {
  const box = useRef(null);
  const isBegun = useRef(false); // what comes from then on is news
  useLayoutEffect(() => { isBegun.current = true; }, []);
  const step = (by) => () => {
    const { activeElement: focused } = document;
    const items = [...box.current.querySelectorAll("article")];
    const at = items.findIndex((item) => item.contains(focused));
    const isFree = focused === document.body || focused === document.getElementById("page");
    if (at < 0 && !isFree) return false;
    const next = items[at < 0 ? 0 : Math.max(0, Math.min(items.length - 1, at + by))];
    next.focus({ preventScroll: true });
    return next.scrollIntoView({ block: "nearest" });
  };
  useShortcuts("Approvals", [
    { keys: "j", label: "Next", run: step(1) },
    { keys: "k", label: "Previous", run: step(-1) },
    { keys: "Enter", label: "Open the details", run: () => {
      const id = document.activeElement?.dataset?.approval;
      return id !== undefined && setParameters({ approval: id }, { push: opened === null });
    } },
  ]);
  return html`
    <div class="waiting" role="feed" aria-label="Waiting for an answer" aria-busy="false" ref=${box}>
      ${rows.slice(0, SHOWN).map((approval, index) => html`
        <${Item} key=${approval.approval_id} approval=${approval} place=${index + 1} total=${rows.length} opened=${opened}
          isNews=${isBegun.current} onHold=${onHold} />`)}
    </div>
    ${rows.length > SHOWN && html`<p class="muted small">${exact(rows.length - SHOWN)} more follow as these are answered.</p>`}`;
}

function Item({ approval, place, total, opened, isNews, onHold }) {
  const { approval_id: id, agent_id, agent_name, agent_role, question, rule, created_at, expires_at } = approval;
  const item = useRef(null);
  const [isFresh] = useState(isNews);
  const subject = subjectOf(question);
  const open = ({ target }) => {
    if (target.closest("a, button, input, form") || String(getSelection()) !== "") return;
    setParameters({ approval: id }, { push: opened === null });
  };
  useLayoutEffect(() => handsFocusOn(item.current), []);
  return html`
    <article class="ask ${isFresh ? "fresh" : ""}" tabindex="0" ref=${item} data-approval=${id} aria-posinset=${place} aria-setsize=${total}
      aria-current=${id === opened || undefined} aria-label="${shown(agent_name)}: ${inOneLine(approval)}" onClick=${open}>
      <div class="row wrap">
        <b class="breakable"><${AgentName} id=${agent_id} name=${agent_name} /></b>
        <span class="muted breakable">${shown(agent_role)}</span>
        <span class="tag breakable">${shown(question.tool)}</span>
        <span class="spring" /><${TimeLeft} at=${expires_at} />
      </div>
      ${subject !== "" && html`<p class="mono subject"><${LongText} text=${shown(subject)} /></p>`}
      ${question.command_sha256 && html`<p class="small short">The command is longer: this is the beginning that the server keeps.</p>`}
      <div class="row wrap ask-foot">
        <p class="small muted breakable">
          ${shown(rule)} · asked <${Ago} at=${created_at} />
          ${question.estimated_cost_usd !== undefined && html` · about <${Money} value=${question.estimated_cost_usd} />`}
          ${question.session_id && html` · session <span class="mono session" title=${shown(question.session_id)}>${shown(question.session_id)}</span>`}
          ${" · "}<a href=${hrefWith({ approval: id })}>Details</a>
        </p>
        <${Answer} approval=${approval} place=${item} onAsk=${(isAsked) => onHold(approval, isAsked)} />
      </div>
    </article>`;
}
