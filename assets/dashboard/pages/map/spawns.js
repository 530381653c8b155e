// Which agent spawned which: the newest operations of that kind, and those that arrive.

import { useEffect, useRef, useState } from "../../core/view.js";
import { urlOf } from "../../core/api.js";
import { agentById, agentByName } from "../../core/fleet.js";
import { useQuery } from "../../core/query.js";
import { listen } from "../../core/stream.js";

const KEPT = 500;
const SPAWNS = urlOf("/api/v1/events/audit", { operation_type: "agent_spawn", limit: KEPT });

// `[{from, to}]` as they were told: ids or names.
export function useSpawns() {
  const { data } = useQuery(SPAWNS);
  const arrived = useRef([]);
  const [, setCount] = useState(0);
  useEffect(() => listen((events) => {
    const added = events.filter(({ type, metadata }) => type === "agent_spawned" && metadata?.file)
      .map(({ metadata, agentName }) => ({ from: metadata.agent_id ?? agentName, to: metadata.file }));
    if (added.length === 0) return;
    arrived.current = [...arrived.current, ...added].slice(-KEPT);
    setCount((count) => count + 1);
  }), []);
  const read = (data ?? []).filter(({ rbac }) => rbac.decision !== "denied" && rbac.decision !== "requires_approval")
    .map(({ agent, target }) => ({ from: agent.registered_id ?? agent.name, to: target.resource }));
  return [...read.reverse(), ...arrived.current].slice(-KEPT);
}

// As pairs of the agents' indexes, each once; who is not registered is left out.
export function linesOf(spawns, indexes) {
  const indexOf = (told) => indexes.get((agentById(told) ?? agentByName(told))?.agent_id);
  const lines = new Map();
  for (const { from, to } of spawns) {
    const pair = [indexOf(from), indexOf(to)];
    if (pair[0] !== undefined && pair[1] !== undefined && pair[0] !== pair[1]) lines.set(pair.join(), pair);
  }
  return [...lines.values()];
}
