// The exact commands that record something with this server, for pages that have nothing to show yet.

import { html } from "../core/view.js";
import { fleet } from "../core/fleet.js";
import { CopyButton } from "./copy.js";

// An operation of an agent, which need not be registered.
export const RecordEvent = ({ name = "coder" }) => html`
  <${Post} path="/api/v1/events/ingest" body=${{
    agent_name: name, operation_type: "tool_use", operation_detail: "Edit", target_resource: "src/main.rs", target_type: "file",
    rbac_decision: "allowed", session_id: "s-1",
  }} />`;

// `body` holds the members that matter here; without a `name` the agent is the first there is.
export function RecordMetric({ body, name = fleet.value.agents[0]?.name }) {
  if (name === undefined) {
    return html`<p>There is no agent yet, and metrics are an agent's. <code>agentmap seed --help</code> tells how to register some.</p>`;
  }
  return html`<${Post} path="/api/v1/metrics/" body=${{ agent_id: name, ...body }} />`;
}

function Post({ path, body }) {
  const command = `curl ${location.origin}${path} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
  return html`<pre class="command" tabindex="0"><code>${command}</code></pre>
    <div><${CopyButton} text=${() => command} label="Copy the command" /></div>`;
}
