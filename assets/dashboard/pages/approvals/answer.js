// Answers what an agent asks, where it is shown: first for how long or not at all, then with a reason or without.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { announce } from "../../core/announce.js";
import { request } from "../../core/api.js";
import { answered, take } from "../../core/approvals.js";
import { useShortcuts } from "../../core/keys.js";
import { mayAct } from "../../core/session.js";
import { words } from "../../core/format.js";
import { Problem } from "../../parts/panel.js";
import { inOneLine, likeOf, shown } from "./question.js";

const CONFLICT = 409;

const ANSWERS = {
  once: {
    key: "a", button: "Approve", label: "Approve once", done: "Approved once", kind: "primary",
    told: () => "This operation, once.",
  },
  session: {
    key: "s", button: "For the session", label: "Approve for the session", done: "Approved for the session", kind: "primary",
    told: (approval) => `For this agent as long as the session ${shown(approval.question.session_id)} lasts: ${likeOf(approval)}.`,
  },
  always: {
    key: "l", button: "Always", label: "Approve always", done: "Approved for always", kind: "primary",
    told: (approval) => `For this agent until the grant is revoked: ${likeOf(approval)}.`,
  },
  deny: {
    key: "d", button: "Deny", label: "Deny", done: "Denied", kind: "danger", told: () => "It is not done, and the agent is told so.",
  },
};

const isPossible = (name, { question }) => name !== "session" || Boolean(question.session_id);

// `place` is the element within which the letters act; the focus returns to it. `onAsk(isAsked)` tells that the reader
// is about to answer, and should not lose what he is at.
export function Answer({ approval, place, onAsk }) {
  const [name, setName] = useState(null);
  const [reason, setReason] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const ended = answered.value.get(approval.approval_id);
  const ask = (next) => {
    if (!place.current?.contains(document.activeElement) || name !== null) return false;
    setName(next);
    return onAsk(true);
  };
  const possible = mayAct.value ? Object.keys(ANSWERS).filter((each) => isPossible(each, approval)) : [];
  useShortcuts("Approvals", possible.map((each) => ({ keys: ANSWERS[each].key, label: ANSWERS[each].label, run: () => ask(each) })));
  const close = () => {
    setName(null);
    setError(null);
    onAsk(false);
    place.current?.focus({ preventScroll: true });
  };
  const send = async (event) => {
    event?.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(null);
    try {
      const verb = name === "deny" ? "deny" : "approve";
      const body = { reason: reason.trim() || undefined, scope: name === "deny" ? undefined : name };
      const answer = await request(`/api/v1/approvals/${approval.approval_id}/${verb}`, { method: "POST", body });
      announce(`${ANSWERS[name].done}: ${inOneLine(approval)}`);
      onAsk(false);
      take([answer.body]);
    } catch (refusal) {
      setError(refusal);
    }
    setBusy(false);
  };
  if (name === null) {
    return possible.length > 0 && html`
      <div class="row wrap answers" role="group" aria-label="Answer">${possible.map((each) => html`
        <button class="button ${each === "deny" ? "danger" : ""}" key=${each} title="${ANSWERS[each].label} (${ANSWERS[each].key})"
          onClick=${() => { setName(each); onAsk(true); }}>${ANSWERS[each].button}</button>`)}
      </div>`;
  }
  if (error?.status === CONFLICT || (ended && !isBusy)) {
    return html`<${Over} ended=${ended} error=${error} onClose=${close} />`;
  }
  return html`<${Confirmation} answer=${ANSWERS[name]} approval=${approval} reason=${reason} onReason=${setReason}
    isBusy=${isBusy} error=${error} onSend=${send} onClose=${close} />`;
}

function Confirmation({ answer: { label, kind, told }, approval, reason, onReason, isBusy, error, onSend, onClose }) {
  const field = useRef(null);
  useLayoutEffect(() => { field.current.focus(); }, []);
  useShortcuts("Answer", [{ keys: "Escape", label: "Answer later", run: onClose }]);
  return html`
    <form class="asks stack" aria-label="${label}: ${inOneLine(approval)}" onSubmit=${onSend}>
      <p class="breakable">${told(approval)}</p>
      <div class="row wrap">
        <input class="input spring" ref=${field} type="text" aria-label="Reason, of which the agent is told" maxlength="4096"
          autocomplete="off" placeholder="Reason (optional)" value=${reason} onInput=${({ target }) => onReason(target.value)} />
        <button class="button ${kind}" type="submit" aria-disabled=${isBusy}>${label}</button>
        <button class="button" type="button" onClick=${onClose}>Back</button>
      </div>
      ${error && html`<${Problem} error=${error} retry=${onSend} />`}
    </form>`;
}

// Somebody else was faster, or nobody was fast enough.
function Over({ ended, error, onClose }) {
  const button = useRef(null);
  useLayoutEffect(() => { button.current.focus(); }, []);
  useShortcuts("Answer", [{ keys: "Escape", label: "Take it off the list", run: onClose }]);
  return html`
    <div class="problem row wrap" role="alert">
      <span class="breakable">${ended ? whatBecameOf(ended) : error.message} Your answer does not count.${error?.requestId && html`
        ${" "}<span class="muted">Request <code>${error.requestId}</code></span>`}</span>
      <button class="button" ref=${button} onClick=${onClose}>Take it off the list</button>
    </div>`;
}

function whatBecameOf({ status, resolved_by, reason }) {
  if (status === "expired") return "Nobody answered in time: it counts as denied.";
  return `Answered meanwhile by ${shown(resolved_by)}: ${words(status)}${reason ? ` (${shown(reason)})` : ""}.`;
}
