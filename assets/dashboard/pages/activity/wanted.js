// Which events the reader wants: the filters in the address.

import { useMemo } from "../../core/view.js";
import { agentById, agentByName, fleet } from "../../core/fleet.js";
import { words } from "../../core/format.js";
import { parameter, parameters } from "../../core/route.js";

// The filters by the names of their parameters, as people call them.
export const FILTERS = {
  type: { label: "Event", text: (types) => words(types).replaceAll(",", ", ") },
  agent: { label: "Agent", text: String },
  session: { label: "Session", text: String },
  decision: { label: "Decision", text: words },
  q: { label: "Text", text: String },
};

// The types that an event with a decision can have.
const TYPES_OF = {
  allowed: ["operation_allowed", "quality_gate_passed", "agent_spawned"],
  denied: ["operation_denied", "quality_gate_failed"],
  requires_approval: ["operation_requires_approval"],
  unknown: ["operation_allowed", "agent_spawned"],
};
TYPES_OF.refused = [...TYPES_OF.denied, ...TYPES_OF.requires_approval];
const REFUSALS = ["denied", "requires_approval"];

export const decisionOf = ({ data }) => data?.rbac?.decision ?? null;

const textOf = ({ agentName, message, metadata, type }) =>
  [agentName, message, type, metadata?.file, metadata?.operation, metadata?.session_id].join("\n").toLowerCase();

// `{isWanted, asked, isSet}`: a function of an event, and what of it the server can look for, as parameters of a request.
export function useWanted() {
  const types = parameters("type");
  const [agent, session, decision, text] = ["agent", "session", "decision", "q"].map(parameter);
  // A registered agent is found by its id, whatever its hooks call it.
  const isKnown = agent !== null && fleet.value.agents.length > 0;
  const id = isKnown ? (agentByName(agent) ?? agentById(agent))?.agent_id ?? agent : agent;
  return useMemo(() => wanted({ types, agent, id, session, decision, text }), [types.join(), agent, id, session, decision, text]);
}

function wanted({ types, agent, id, session, decision, text }) {
  const needle = text?.toLowerCase();
  const decisions = decision === "refused" ? REFUSALS : [decision];
  const isWanted = (event) =>
    (types.length === 0 || types.includes(event.type)) &&
    (agent === null || event.metadata?.agent_id === id || event.agentName === agent) &&
    (session === null || event.metadata?.session_id === session) &&
    (decision === null || decisions.includes(decisionOf(event))) &&
    (!needle || textOf(event).includes(needle));
  return {
    isWanted,
    asked: { type: typesAsked(types, decision), agent_id: id, session_id: session },
    isSet: types.length > 0 || [agent, session, decision, text].some((value) => value !== null),
  };
}

function typesAsked(types, decision) {
  const possible = TYPES_OF[decision];
  if (!possible) return types.join();
  const both = types.length === 0 ? possible : possible.filter((type) => types.includes(type));
  return (both.length > 0 ? both : types).join();
}
