// Whether a record that arrives live belongs to the list that is shown. The server's own filters decide what is listed;
// these tell only that there is news, without asking it for every event.

import { UNKNOWN } from "./filters.js";

const CONDITIONS = {
  agent_id: (value, { agent }) => [agent.agent_id, agent.registered_id].includes(value) ||
    (agent.agent_id === UNKNOWN && agent.name === value),
  agent_role: (value, { agent }) => agent.role === value,
  operation_type: (value, { operation }) => operation.type === value,
  rbac_decision: (value, { rbac }) => rbac.decision === value,
  reason: (value, { rbac }) => rbac.reason === value,
  session_id: (value, record) => record.session_id === value,
  start_date: (value, { timestamp }) => Date.parse(timestamp) >= Date.parse(value),
  end_date: (value, { timestamp }) => Date.parse(timestamp) <= Date.parse(value),
  q: (value, record) => textsOf(record).some((text) => text.toLowerCase().includes(value.toLowerCase())),
};

const textsOf = ({ agent, operation, target, rbac, session_id, context }) => [
  agent.agent_id, agent.name, agent.role, operation.type, operation.detail, target.resource, target.type, rbac.reason,
  session_id, JSON.stringify(context),
].filter((text) => typeof text === "string");

// `parameters` are those of GET /api/v1/events/audit that are set.
export const matches = (record, parameters) =>
  Object.entries(parameters).every(([name, value]) => CONDITIONS[name](value, record));
