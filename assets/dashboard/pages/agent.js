// One agent: who it is, what it may do, what it did, what it costs, how well it works.

import { html, useState } from "../core/view.js";
import { hrefOf, parameter } from "../core/route.js";
import { Empty, Problem, Skeleton } from "../parts/panel.js";
import { AgentHead } from "./agent/head.js";
import { Budget } from "./agent/budget.js";
import { CreateAgent } from "./agent/create.js";
import { EditAgent } from "./agent/edit.js";
import { History } from "./agent/history.js";
import { Identity } from "./agent/identity.js";
import { Performance } from "./agent/performance.js";
import { Rights } from "./agent/rights.js";
import { useLiveAgent } from "./agent/live_agent.js";

// `id` is the agent's id or name; `new` is the form of one that does not exist yet.
export const Agent = ({ id }) => (id === "new" ? html`<${CreateAgent} />` : html`<${OneAgent} id=${id} />`);

function OneAgent({ id }) {
  const { agent, isGone, isUnknown, error, reload } = useLiveAgent(id);
  const [isLeaving, setLeaving] = useState(false);
  if (isUnknown) return html`<${Unknown} id=${id} />`;
  if (agent === null && error) return html`<${Problem} error=${error} retry=${reload} />`;
  if (agent === null) return html`<div aria-busy="true"><${Skeleton} height=${600} /></div>`;
  const isEditing = parameter("edit") === "1";
  return html`
    ${isGone && !isLeaving && html`<${Gone} agent=${agent} />`}
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    <${AgentHead} agent=${agent} isEditing=${isEditing} isGone=${isGone} reload=${reload} onDelete=${setLeaving} />
    ${isEditing
      ? html`<${EditAgent} agent=${agent} reload=${reload} />`
      : html`
        <div class="agent">
          <div class="agent-who"><${Identity} agent=${agent} /><${Rights} rbac=${agent.rbac} /></div>
          <div class="agent-what"><${Budget} agent=${agent} /><${History} agent=${agent} /></div>
        </div>
        <${Performance} agent=${agent} />`}`;
}

const Unknown = ({ id }) => html`
  <${Empty}>
    <p>There is no agent <b class="named">${id}</b>. It may have been deleted.</p>
    <p class="row wrap"><a href=${hrefOf("/agents")}>All agents</a> <a href=${hrefOf("/agents/new")}>Register a new one</a></p>
  </${Empty}>`;

const Gone = ({ agent }) => html`
  <div class="problem row wrap" role="alert">
    <span><b class="named">${agent.name}</b> was deleted by someone else. This is how it was last; its metrics and audit records stay.</span>
    <a class="button" href=${hrefOf("/agents")}>All agents</a>
  </div>`;
