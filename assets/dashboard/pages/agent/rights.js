// What an agent may do, in sentences; the raw form behind them.

import { html, useState } from "../../core/view.js";
import { money } from "../../core/format.js";
import { Json, visible } from "../../parts/json.js";
import { LongList, LongText } from "../../parts/more.js";

const MOST = 12; // items of a sentence

export function Rights({ rbac }) {
  const [isRaw, setRaw] = useState(false);
  return html`
    <section class="panel" aria-label="Rights">
      <header><h2>Rights</h2><span class="spring" />
        <button class="button quiet" aria-pressed=${isRaw} onClick=${() => setRaw(!isRaw)}>Raw form</button></header>
      ${isRaw ? html`<${Json} value=${rbac} title="Rights as stored" />` : html`
        <ul class="rights">${sentences(rbac).map((sentence, index) => html`<li key=${index}>${sentence}</li>`)}</ul>`}
    </section>`;
}

function sentences({ allowed_tools, denied_tools, path_scopes, api_access, requires_approval, approval_threshold }) {
  return [
    tools(allowed_tools, path_scopes),
    denied_tools.length > 0 && html`never <${Items} items=${denied_tools} />`,
    services(api_access),
    requires_approval
      ? "asks before every operation"
      : html`asks above <b class="number">${money(approval_threshold)}</b> an operation`,
  ].filter(Boolean);
}

function tools(allowed, scopes) {
  if (allowed.length === 0) return "may use no tool";
  const what = allowed.includes("*") ? "use every tool" : html`<${Items} items=${allowed} />`;
  return scopes.length === 0
    ? html`may ${what}; no path is in its scope`
    : html`may ${what} in <${Items} items=${scopes} isCode />`;
}

function services(access) {
  if (access.length === 0) return "may call no service";
  return access.includes("*") ? "may call every service" : html`may call <${Items} items=${access} />`;
}

// Items with commas between them. Characters that hide or turn text are shown: rights must read as they are.
function Items({ items, isCode = false }) {
  const item = (text) => html`<${isCode ? "code" : "b"}><${LongText} text=${visible(text)} /></${isCode ? "code" : "b"}>`;
  return html`<${LongList} items=${items} most=${MOST}>${(shown) =>
    shown.map((text, index) => html`${index > 0 && ", "}${item(text)}`)}</${LongList}>`;
}
