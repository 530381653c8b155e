// One agent in full, as it is now.

import { computed, useEffect, useRef, useState } from "../../core/view.js";
import { agentById, agentByName, fleet } from "../../core/fleet.js";
import { useQuery } from "../../core/query.js";
import { listen } from "../../core/stream.js";

const SHOW_MS = 250; // figures that tick are shown at most so often

// The figures of other agents are not this page's.
const isLoading = computed(() => fleet.value.isLoading);
const failure = computed(() => fleet.value.error);

// `{agent, isGone, isUnknown, error, reload}` of an agent by its id or name. `isGone` says that it was deleted while it
// was shown; what was known of it stays. Its figures of today move with the events, without a request.
export function useLiveAgent(idOrName) {
  const [, setMoved] = useState(0);
  const brief = agentById(idOrName) ?? agentByName(idOrName);
  const query = useQuery(brief ? `/api/v1/agents/${brief.agent_id}` : null);
  const last = useRef(null);
  const id = brief?.agent_id;
  useEffect(() => {
    let shownAt = 0;
    let timer = null;
    const show = () => {
      timer = null;
      shownAt = performance.now();
      setMoved((count) => count + 1);
    };
    const end = listen((events) => {
      const own = events.filter(({ type, metadata }) => metadata?.agent_id === id || type === "gap" || type === "reset");
      if (own.length === 0) return;
      timer ??= setTimeout(show, Math.max(0, shownAt + SHOW_MS - performance.now()));
      if (own.some(({ type }) => type === "agent_updated" || type === "gap" || type === "reset")) query.reload();
    });
    return () => { end(); clearTimeout(timer); };
  }, [id]);
  const isGone = !brief && last.current !== null && !isLoading.value;
  if (brief && query.data) last.current = moved(query.data, brief);
  return {
    agent: last.current,
    isGone,
    isUnknown: !brief && last.current === null && !isLoading.value && !failure.value,
    error: query.error ?? (brief ? null : failure.value),
    reload: query.reload,
  };
}

function moved(agent, { status, cost_used_today, tokens_used_today, last_active_at }) {
  return {
    ...agent,
    status,
    budget: { ...agent.budget, cost_used_today, tokens_used_today },
    timestamps: { ...agent.timestamps, last_active_at },
  };
}
