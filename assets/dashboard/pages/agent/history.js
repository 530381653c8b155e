// The timeline of an agent, and each of its records in the drawer.

import { html, useEffect, useMemo, useRef, useState } from "../../core/view.js";
import { handsFocusOn } from "../../core/focus.js";
import { exact } from "../../core/format.js";
import { hrefOf, parameter, setParameters } from "../../core/route.js";
import { RecordEvent } from "../../parts/commands.js";
import { useHeld } from "../../parts/held.js";
import { Empty, Problem, Skeleton } from "../../parts/panel.js";
import { Table } from "../../parts/table.js";
import { COLUMNS } from "./history_columns.js";
import { createHistory } from "./history_store.js";
import { RecordDrawer } from "./record_drawer.js";

const HEIGHT_PX = 420;

export function History({ agent }) {
  const history = useMemo(() => createHistory(agent.agent_id), [agent.agent_id]);
  useEffect(history.start, [history]);
  const { entries, hasMore, isFull, isLoading, error } = history.state.value;
  const chosen = chosenKey();
  const { isHeld: isRead, watch } = useHeld();
  const isHeld = isRead || chosen !== null; // also behind the drawer
  const { shown, news, release } = useShown(entries, isHeld);
  useEffect(() => history.hold(isHeld), [history, isHeld]);
  const open = (entry) => setParameters(addressOf(entry));
  const place = chosen === null ? -1 : shown.findIndex(({ key }) => key === chosen);
  const step = (by) => {
    const next = shown[place + by];
    if (next) open(next);
  };
  return html`
    <section class="panel" aria-label="Timeline" aria-busy=${isLoading && entries.length === 0}>
      <header><h2>Timeline</h2><span class="note">${hasMore && isFull
        ? html`the newest ${exact(shown.length)}; older operations are in the <a href=${hrefOf("/audit", { agent_id: agent.agent_id, range: "90d" })}>audit trail</a>`
        : `operations and metrics, ${exact(shown.length)}${hasMore ? " of more" : ""}`}</span>
        <span class="spring" />
        ${news > 0 && html`<button class="button" ref=${handsFocusOn} onClick=${release}>${exact(news)} new</button>`}
        ${hasMore && !isFull && html`
          <button class="button quiet" ref=${handsFocusOn} aria-disabled=${isLoading} onClick=${history.more}>More</button>`}
      </header>
      ${error && html`<${Problem} error=${error} retry=${history.retry} />`}
      ${shown.length > 0
        ? html`<div ...${watch}><${Table} name="history" label="Operations and metrics" columns=${COLUMNS} rows=${shown}
            rowKey=${({ key }) => key} selected=${chosen} onOpen=${open} onEnd=${history.more} isSorted=${false}
            height="${HEIGHT_PX}px" /></div>`
        : isLoading ? html`<${Skeleton} height=${HEIGHT_PX} />` : !error && html`<${NothingYet} agent=${agent} />`}
      ${chosen !== null && html`
        <${RecordDrawer} key="drawer" agentId=${agent.agent_id} entry=${shown[place]}
          onClose=${() => setParameters(NOTHING)} onStep=${place < 0 ? undefined : step} />`}
    </section>`;
}

// A record's address: an operation by its place in the audit trail; a metric by its time, too, by which it is found.
const NOTHING = { operation: null, metric: null, at: null };
const addressOf = ({ kind, at, record }) =>
  (kind === "operation" ? { ...NOTHING, operation: record.seq } : { ...NOTHING, metric: record.seq, at });

function chosenKey() {
  if (parameter("operation") !== null) return `operation-${parameter("operation")}`;
  return parameter("metric") === null ? null : `metric-${parameter("metric")}`;
}

// What was the newest when somebody began to read it stays the first; older ones may still be read.
function useShown(entries, isHeld) {
  const newest = useRef(null); // of those that are shown
  const [, setReleased] = useState(0);
  const place = isHeld ? entries.findIndex(({ key }) => key === newest.current) : 0;
  if (place <= 0) newest.current = entries[0]?.key;
  const news = Math.max(0, place);
  return {
    shown: news === 0 ? entries : entries.slice(news),
    news,
    release: () => {
      newest.current = entries[0].key;
      setReleased((times) => times + 1);
    },
  };
}

const NothingYet = ({ agent }) => html`
  <${Empty}>
    <p>Nothing was recorded yet. A hook tells of an operation so:</p>
    <${RecordEvent} name=${agent.name} />
  </${Empty}>`;
