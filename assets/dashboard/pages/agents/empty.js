// What to do when there are no agents, and when none matches.

import { html } from "../../core/view.js";
import { handsFocusOn } from "../../core/focus.js";
import { count } from "../../core/format.js";
import { hrefOf, hrefWith } from "../../core/route.js";
import { CopyButton } from "../../parts/copy.js";
import { Empty } from "../../parts/panel.js";
import { NAMES } from "./filters.js";

const SEED = "agentmap seed ./identities";

export const NoAgents = () => html`
  <${Empty}>
    <p>There are no agents yet. Read a folder of identity files, also while this server runs:</p>
    <p class="row wrap"><code>${SEED}</code><${CopyButton} text=${() => SEED} /></p>
    <p>Or register one by <code>POST /api/v1/agents/</code> (<a href="/docs">how</a>), or
      ${" "}<a href=${hrefOf("/agents/new")}>here</a>.</p>
  </${Empty}>`;

const agents = (number) => (number === 1 ? "1 agent" : `${count(number)} agents`);

// `without` is how many would match without each of the filters.
export function NoneMatches({ wanted, without, total }) {
  const names = Object.keys(wanted);
  const none = Object.fromEntries(names.map((name) => [name, null]));
  const doesOneHelp = Object.values(without).some((number) => number > 0);
  return html`
    <${Empty}>
      <p>No agent matches.</p>
      <ul class="stack">
        ${names.length > 1 && names.map((name) => html`
          <li class="clip" key=${name}><a ref=${handsFocusOn} href=${hrefWith({ [name]: null })}>Without ${NAMES[name]}: ${wanted[name]}</a>
            ${" "}${agents(without[name])}</li>`)}
        ${(names.length === 1 || !doesOneHelp) && html`
          <li><a ref=${handsFocusOn} href=${hrefWith(none)}>Without any filter</a> ${agents(total)}</li>`}
      </ul>
    </${Empty}>`;
}
