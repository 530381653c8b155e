// One line of the feed.

import { html, memo, useState } from "../../core/view.js";
import { agentById } from "../../core/fleet.js";
import { day, exact, moment, timeOfDay } from "../../core/format.js";
import { icon } from "../../parts/icon.js";
import { visible } from "../../parts/json.js";
import { Decision, EventType, Money } from "../../parts/marks.js";
import { decisionOf } from "./wanted.js";

const LONGEST = 300; // of a text that is clipped anyway

const short = (text) => visible(String(text ?? "").slice(0, LONGEST));

// The name of the event's agent: that of the registered one, else as told.
export const nameOf = ({ agentName, metadata }) => agentById(metadata?.agent_id)?.name ?? agentName;

// What was done and what to, in words; for what is no operation, the message without the agent's name.
export function targetOf({ type, message, metadata, agentName }) {
  const { operation, file } = metadata ?? {};
  if (/^(operation|quality_gate)_/.test(type) && operation) return { operation, target: file ?? "" };
  const text = String(message ?? "");
  return { operation: "", target: text.startsWith(`${agentName}: `) ? text.slice(agentName.length + 2) : text };
}

const DAY_MS = 86_400_000;
const isOfAnotherDay = (timestamp) => Date.now() - Date.parse(timestamp) > DAY_MS / 2 && day(timestamp) !== day(Date.now());

// `isMarked` says that it is the one that the reader jumped to, `isNews` that it just came.
export function Line({ event, isMarked, isNews }) {
  const [isFresh] = useState(isNews);
  return html`<${Cells} event=${event} isMarked=${isMarked} isFresh=${isFresh} />`;
}

// A line that stays costs nothing when others move.
const Cells = memo(({ event, isMarked, isFresh }) => {
  const { operation, target } = targetOf(event);
  const [name, reason, decision] = [nameOf(event), event.metadata?.reason, decisionOf(event)];
  const cost = event.metadata?.cost;
  return html`
    ${isFresh && html`<span class="fresh" />`}
    ${isMarked && html`<span class="mark" title="From here on">${icon("play")}</span>`}
    <time class="when number" dateTime=${event.timestamp} title=${moment(event.timestamp)}>
      ${isOfAnotherDay(event.timestamp) && html`${day(event.timestamp)}<br />`}${timeOfDay(event.timestamp)}</time>
    <span class="who clip" title=${short(name)}><bdi>${short(name)}</bdi></span>
    <span class="verb clip"><${EventType} type=${event.type} /></span>
    <span class="target clip" title=${short(`${operation} ${target}`.trim())}>
      ${operation && html`<b>${short(operation)}</b> `}<bdi>${short(target)}</bdi></span>
    <span class="decision clip" title=${short(reason)}>${decision && html`<${Decision} decision=${decision} />`}</span>
    <span class="cost">${cost > 0 && html`<${Money} value=${cost} />`}</span>`;
});

// What a row that is no event offers: by mouse, or by Enter on the row.
export const RowButton = ({ onClick, isDisabled = false, children }) =>
  html`<button class="link" tabindex="-1" onClick=${onClick} disabled=${isDisabled}>${children}</button>`;

// Events that are missing, and why.
export function GapLine({ gap, onFill }) {
  const [state, setState] = useState("");
  const fill = async () => {
    setState("Loading");
    await onFill(gap).then(() => setState(""), ({ message }) => setState(message));
  };
  const events = gap.from === gap.to ? `Event ${exact(gap.from)} is` : `Events ${exact(gap.from)} to ${exact(gap.to)} are`;
  return html`
    <span class="note">${events} ${gap.isKept ? "not loaded." : "not kept any more."}
      ${gap.isKept && html` <${RowButton} onClick=${fill} isDisabled=${state === "Loading"}>Load them</${RowButton}>${" "}
        ${state}`}</span>`;
}
