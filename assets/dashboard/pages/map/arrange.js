// The arrangement that the map shows: computed when the fleet's structure or what sizes stand for changes, and kept, so
// that agents stay where they are while amounts move, also when the reader comes back.

import { useEffect, useState } from "../../core/view.js";
import { layoutOf } from "./layout.js";
import { amountOf, radiusOf, slotOf } from "./measure.js";

const AT_ONCE = 1_000; // agents; a larger fleet is laid out beside the page's thread
const OUTGROWN = 0.05; // of the area: from then on sizes would mislead

let kept = null; // {agents, size, aspect, largest, layout}

// Returns `{agents, layout, radii}`, the latter by the index in the former, or null while nothing is laid out; and
// `failure`, `{error, retry}` where a large fleet could not be. Until a large fleet that changed is laid out again, `agents`
// are those of before. `activity` is null until it is known, `aspect` until there is a window.
export function useArrangement({ agents, size, aspect, activity }) {
  const [version, setVersion] = useState(0);
  const isNeeded = activity !== null && aspect !== null && agents.length > 0;
  const [error, setError] = useState(null);
  const isAlike = kept !== null && kept.size === size && kept.aspect === aspect;
  const isCurrent = isAlike && isSameStructure(kept.agents, agents);
  const amounts = isNeeded ? agents.map(amountOf(size, activity)) : null;
  const isOld = isNeeded && (!isCurrent || hasOutgrown(amounts, kept));

  const plan = () => {
    const largest = amounts.reduce((a, b) => Math.max(a, b), 0);
    return { agents, size, aspect, largest, slots: Float64Array.from(amounts, (amount) => slotOf(radiusOf(amount, largest))) };
  };
  const isLarge = agents.length > AT_ONCE;
  const takeNext = (failed) => {
    setError(failed);
    setVersion((before) => before + 1);
  };
  // What changes meanwhile does not stop it, or a fleet that always changes would never be laid out; it is done once more.
  useEffect(() => {
    if (!isOld || !isLarge || error) return undefined;
    const { slots, ...planned } = plan();
    const told = agents.map(({ category, role, created_at }) => ({ category, role, created_at }));
    return layOutBeside({ agents: told, slots, aspect }, (layout) => {
      kept = { ...planned, layout };
      takeNext(null);
    }, takeNext);
  }, [isOld, isLarge, size, aspect, version]);

  if (isOld && !isLarge) {
    const { slots, ...planned } = plan();
    kept = { ...planned, layout: layoutOf(agents, slots, aspect) };
  }
  const shown = !isNeeded ? null : isCurrent || !isLarge ? agents : isAlike ? asNow(kept.agents, agents) : null;
  const radiusNow = (agent) => radiusOf(amountOf(size, activity)(agent), kept.largest);
  return {
    arrangement: shown && { agents: shown, layout: kept.layout, radii: shown.map(radiusNow) },
    failure: isOld && isLarge && error ? { error, retry: () => takeNext(null) } : null,
  };
}

// Agents of before as they are now; who is gone stays as it was.
function asNow(before, now) {
  const known = new Map(now.map((agent) => [agent.agent_id, agent]));
  return before.map((agent) => known.get(agent.agent_id) ?? agent);
}

// Calls `take` with the layout or `fail` with the error unless it is called off, which is what is returned.
function layOutBeside(task, take, fail) {
  const worker = new Worker(new URL("./layout_worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => {
    worker.terminate();
    take(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    fail(new Error("The map could not be laid out. The list view shows the same agents."));
  };
  worker.postMessage(task);
  return () => worker.terminate();
}

function isSameStructure(before, now) {
  return before === now || (before.length === now.length && before.every(({ agent_id, category, role }, index) => {
    const agent = now[index];
    return agent.agent_id === agent_id && agent.category === category && agent.role === role;
  }));
}

// Whether many agents do so much more than when they were placed that their places are too small.
function hasOutgrown(amounts, { largest, layout: { slots } }) {
  let [beyond, all] = [0, 0];
  for (let index = 0; index < amounts.length; index += 1) {
    const place = slots[index] ** 2;
    beyond += Math.max(0, radiusOf(amounts[index], largest) ** 2 - place);
    all += place;
  }
  return beyond > all * OUTGROWN;
}
