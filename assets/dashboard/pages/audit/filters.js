// The filters of the audit trail: those of GET /api/v1/events/audit, in the address by the same names.

import { html } from "../../core/view.js";
import { agentById, agentByName, fleet } from "../../core/fleet.js";
import { parameter } from "../../core/route.js";
import { words } from "../../core/format.js";
import { Choice, Exact, Search } from "../../parts/filters.js";
import { DECISIONS } from "../../parts/marks.js";

const SUGGESTED = 20;
export const UNKNOWN = "unknown"; // what the server says for what was not told

// An agent is known by its id or, where it is not registered, by what it said of itself.
const nameOfAgent = (id) => agentById(id)?.name ?? id;

// Who acted, by the name that was told with the record where one was.
export const actorOf = ({ name, agent_id, registered_id }) =>
  (name === UNKNOWN ? nameOfAgent(registered_id ?? agent_id) : name);

// By what the API finds what the same agent did.
export const idOf = ({ name, agent_id, registered_id }) => registered_id ?? (agent_id === UNKNOWN ? name : agent_id);

const idOfAgent = (name) => agentByName(name)?.agent_id ?? name;

// What people call each of them.
export const FILTERS = {
  q: { label: "Text", text: String },
  agent_id: { label: "Agent", text: nameOfAgent },
  agent_role: { label: "Role", text: words },
  operation_type: { label: "Operation", text: words },
  rbac_decision: { label: "Decision", text: words },
  reason: { label: "Reason", text: String },
  session_id: { label: "Session", text: String },
};

// Those that are set, as the API takes them.
export const chosenFilters = () =>
  Object.fromEntries(Object.keys(FILTERS).map((name) => [name, parameter(name)]).filter(([, value]) => value));

// `stats` counts the records of the time range; `reasons` are those of its refusals.
export function FilterBar({ stats, reasons }) {
  const agentsLike = (text) => like(text, fleet.value.agents.map(({ name }) => name));
  const reasonsLike = (text) => like(text, reasons.map(({ reason }) => reason));
  return html`
    <div class="filters audit-filters" role="search">
      <${Search} label="Search in all members" isMain />
      <${Exact} name="agent_id" label="Agent" suggest=${agentsLike}
        toText=${nameOfAgent} toValue=${idOfAgent} />
      <${Exact} name="session_id" label="Session" />
      <${Exact} name="reason" label="Reason" suggest=${reasonsLike} />
      <${Choice} name="operation_type" label="Operation" options=${counted(stats?.operation_types)} />
      <${Choice} name="rbac_decision" label="Decision" options=${DECISIONS.map((value) =>
        ({ value, label: words(value), count: stats?.rbac_decisions[value] ?? 0 }))} />
      <${Choice} name="agent_role" label="Role" options=${counted(stats?.agent_roles)} />
    </div>`;
}

const like = (text, all) =>
  all.filter((each) => each.toLowerCase().includes(text.toLowerCase())).slice(0, SUGGESTED);

const counted = (counts = {}) =>
  Object.entries(counts).map(([value, count]) => ({ value, label: words(value), count }));
