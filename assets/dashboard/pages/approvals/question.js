// What an agent asks, in words.

import { html } from "../../core/view.js";
import { subjectOf } from "../../core/approvals.js";
import { agentById } from "../../core/fleet.js";
import { money } from "../../core/format.js";
import { hrefOf } from "../../core/route.js";
import { visible } from "../../parts/json.js";

const LONGEST = 200;

export const shown = (text) => visible(String(text ?? ""));

// The tool and the beginning of what it is on.
export function inOneLine({ question }) {
  const text = shown(`${question.tool} ${subjectOf(question)}`.trim());
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

// The agent, with a way to it as long as it is registered.
export const AgentName = ({ id, name }) => (agentById(id)
  ? html`<a class="named" href=${hrefOf(`/agents/${id}`)}>${shown(name)}</a>`
  : html`<span class="named">${shown(name)}</span>`);

// What an approval beyond once covers, as the server compares: the rest of the question may differ.
export function likeOf({ question }) {
  const { tool, command, estimated_cost_usd: cost } = question;
  const what = command === undefined ? `every ${shown(tool)} that this rule asks about, on whatever` : "this very command";
  return `${what}, ${cost > 0 ? `at up to ${money(cost)} each` : "without a cost told"}`;
}
