// What was approved for a session or for always, and its end.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { announce } from "../../core/announce.js";
import { request } from "../../core/api.js";
import { subjectOf } from "../../core/approvals.js";
import { handsFocusOn } from "../../core/focus.js";
import { exact } from "../../core/format.js";
import { useShortcuts } from "../../core/keys.js";
import { useQuery } from "../../core/query.js";
import { hrefWith } from "../../core/route.js";
import { mayAct } from "../../core/session.js";
import { Ago } from "../../parts/marks.js";
import { LongList, LongText } from "../../parts/more.js";
import { Panel, Problem } from "../../parts/panel.js";
import { AgentName, inOneLine, likeOf, shown } from "./question.js";

const HEIGHT = 120;

export function Grants() {
  const query = useQuery("/api/v1/grants", { on: ["approvals"], every: 500 });
  const note = query.data?.length > 0 ? `${exact(query.data.length)}, the newest first` : "";
  return html`
    <${Panel} title="Grants" note=${note} query=${query} height=${HEIGHT}>${(all) => (all.length === 0
      ? html`<p class="muted">Nothing stands approved: each operation that needs a person is asked about.</p>`
      : html`<${LongList} items=${all}>${(items) => html`
          <ul class="grants" aria-label="Grants, the newest first">${items.map((grant) => html`
            <${Item} key=${grant.grant_id} grant=${grant} reload=${query.reload} />`)}</ul>`}</${LongList}>`)}</${Panel}>`;
}

function Item({ grant, reload }) {
  const { grant_id, agent_id, agent_name, scope, session_id, question, rule, granted_by, granted_at } = grant;
  const [isAsked, setAsked] = useState(false);
  const [error, setError] = useState(null);
  const item = useRef(null);
  const button = useRef(null);
  useLayoutEffect(() => handsFocusOn(item.current), []);
  const subject = question.command === undefined ? "" : subjectOf(question);
  const keep = () => {
    setAsked(false);
    setError(null);
    button.current.focus();
  };
  const revoke = async () => {
    try {
      await request(`/api/v1/grants/${grant_id}`, { method: "DELETE" });
      announce(`Revoked: ${inOneLine(grant)}`);
      await reload();
    } catch (refusal) {
      setError(refusal);
    }
  };
  return html`
    <li class="stack" ref=${item}>
      <div class="row">
        <span class="breakable spring"><${AgentName} id=${agent_id} name=${agent_name} /> <span class="tag breakable">${shown(question.tool)}</span>
          ${subject !== "" && html`${" "}<span class="mono breakable"><${LongText} text=${shown(subject)} /></span>`}</span>
        ${mayAct.value && html`<button class="button" ref=${button} aria-expanded=${isAsked}
          aria-label="Revoke: ${inOneLine(grant)}" onClick=${() => (isAsked ? keep() : setAsked(true))}>Revoke</button>`}
      </div>
      <p class="small muted breakable">${scope === "always" ? "For always" : html`For the session <span class="mono">${shown(session_id)}</span>`}:
        ${" "}${likeOf(grant)} (${shown(rule)}) · by ${shown(granted_by)}, <${Ago} at=${granted_at} />
        ${" · "}<a href=${hrefWith({ approval: grant_id })}>How it was asked</a></p>
      ${isAsked && html`<${Confirmation} error=${error} onConfirm=${revoke} onClose=${keep} />`}
    </li>`;
}

function Confirmation({ error, onConfirm, onClose }) {
  const keep = useRef(null);
  useLayoutEffect(() => { keep.current.focus(); }, []);
  useShortcuts("Grants", [{ keys: "Escape", label: "Keep the grant", run: onClose }]);
  return html`
    <div class="asks stack" role="group" aria-label="Revoke the grant">
      <div class="row wrap">
        <span>From then on a person is asked again.</span>
        <button class="button danger" onClick=${onConfirm}>Revoke the grant</button>
        <button class="button" ref=${keep} onClick=${onClose}>Keep it</button>
      </div>
      ${error && html`<${Problem} error=${error} retry=${onConfirm} />`}
    </div>`;
}
