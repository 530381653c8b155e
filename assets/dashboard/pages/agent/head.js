// An agent's state and what may be done to it.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { request } from "../../core/api.js";
import { announce } from "../../core/announce.js";
import { useShortcuts } from "../../core/keys.js";
import { hrefOf, navigate, setParameters } from "../../core/route.js";
import { icon } from "../../parts/icon.js";
import { Status } from "../../parts/marks.js";
import { Problem } from "../../parts/panel.js";

// `onDelete(true)` is told before the agent is deleted from here, `onDelete(false)` when that failed.
export function AgentHead({ agent, isEditing, isGone, reload, onDelete }) {
  const [error, setError] = useState(null);
  const [isAsked, setAsked] = useState(false);
  const buttons = useRef(null);
  const wasEditing = useRef(isEditing);
  const edit = () => setParameters({ edit: "1" }, { push: true });
  useLayoutEffect(() => {
    if (wasEditing.current && !isEditing) buttons.current?.querySelector("button").focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  useShortcuts("Agent", isEditing || isGone ? [] : [{ keys: "e", label: "Edit the agent", run: edit }]);

  const act = async (verb, outcome) => {
    try {
      await request(`/api/v1/agents/${agent.agent_id}/${verb}`, { method: "POST" });
      setError(null);
      await reload();
      announce(`${agent.name} is ${outcome}`);
    } catch (refusal) {
      setError(refusal);
    }
  };
  const remove = async () => {
    onDelete(true);
    try {
      await request(`/api/v1/agents/${agent.agent_id}`, { method: "DELETE" });
      navigate(hrefOf("/agents"));
      announce(`${agent.name} is deleted`);
    } catch (refusal) {
      onDelete(false);
      setError(refusal);
    }
  };
  const close = () => {
    setAsked(false);
    buttons.current.querySelector(".danger").focus();
  };
  const isPaused = agent.status === "paused";
  return html`
    <div class="agent-head stack">
      <div class="row wrap">
        <${Status} status=${agent.status} />
        <span class="muted named">${agent.name}</span>
        <span class="spring" />
        ${!isEditing && !isGone && html`
          <div class="row wrap" ref=${buttons}>
            <button class="button" onClick=${edit}>${icon("edit")}Edit</button>
            ${isPaused
              ? html`<button class="button" onClick=${() => act("resume", "resumed")}>${icon("play")}Resume</button>`
              : html`<button class="button" onClick=${() => act("pause", "paused")}>${icon("pause")}Pause</button>`}
            <button class="button" onClick=${() => act("activate", "activated")}>${icon("activity")}Activate</button>
            <button class="button danger" aria-expanded=${isAsked} onClick=${() => setAsked(!isAsked)}>Delete</button>
          </div>`}
      </div>
      ${isAsked && !isGone && html`<${Confirmation} name=${agent.name} onConfirm=${remove} onClose=${close} />`}
      ${error && html`<${Problem} error=${error} />`}
    </div>`;
}

function Confirmation({ name, onConfirm, onClose }) {
  const keep = useRef(null);
  useLayoutEffect(() => { keep.current.focus(); }, []);
  useShortcuts("Agent", [{ keys: "Escape", label: "Keep the agent", run: onClose }]);
  return html`
    <div class="row wrap asks" role="group" aria-label="Delete ${name}">
      <span>Its identity, rights and budget go. Its metrics and audit records stay.</span>
      <button class="button danger" onClick=${onConfirm}>Delete ${name} for good</button>
      <button class="button" ref=${keep} onClick=${onClose}>Keep it</button>
    </div>`;
}
