// Approvals: what agents wait for a person to answer, what was answered, and what stands approved from before.

import { html } from "../core/view.js";
import { pending } from "../core/approvals.js";
import { parameter, setParameters } from "../core/route.js";
import { mayAct } from "../core/session.js";
import { AnsweredList } from "./approvals/answered.js";
import { Details } from "./approvals/details.js";
import { Grants } from "./approvals/grants.js";
import { NotifySwitch } from "./approvals/notify.js";
import { Waiting } from "./approvals/waiting.js";

export function Approvals() {
  const opened = parameter("approval");
  return html`
    ${mayAct.value || html`<p class="muted">Your token may look and not answer: that takes one with the role operator.</p>`}
    <${Waiting} opened=${opened} actions=${html`<${NotifySwitch} />`} />
    ${!pending.value.isLoading && html`<div class="grid-2"><${AnsweredList} opened=${opened} /><${Grants} /></div>`}
    ${opened !== null && html`
      <${Details} key=${opened} id=${opened} onClose=${() => setParameters({ approval: null })} onStep=${(by) => step(opened, by)} />`}`;
}

// To the next or the previous of those that wait.
function step(opened, by) {
  const ids = pending.value.list.map(({ approval_id }) => approval_id);
  const next = ids[ids.indexOf(opened) + by];
  if (next !== undefined && ids.includes(opened)) setParameters({ approval: next });
}
