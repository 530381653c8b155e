// The lines of the feed, the newest on top. Only they change when events arrive.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../core/view.js";
import { exact } from "../../core/format.js";
import { setParameters } from "../../core/route.js";
import { copy } from "../../parts/copy.js";
import { VirtualList } from "../../parts/virtual_list.js";
import { isGap, lastOf } from "./log.js";
import { LaneLines, Lanes } from "./lanes.js";
import { GapLine, Line, RowButton } from "./line.js";

const ROW_PX = 32;
const NARROW_ROW_PX = 52;
const narrow = matchMedia("(width < 760px)");

// `start` is the event that is shown first, when it is not the newest; `list` gets the means to show a row.
export function Feed({ log, reading, hold, start = null, open, list }) {
  const { entries } = log;
  const version = log.version.value;
  const [current, setCurrent] = useState(0);
  const isNarrow = useNarrow();
  const rowPx = isNarrow ? NARROW_ROW_PX : ROW_PX;
  const lanes = useMemo(() => new Lanes(), [log]);
  const above = useRef(0);
  // In the past there is a row above the newest that leads on.
  const head = start === null ? 0 : 1;
  const count = entries.length + head + 1;
  const entryAt = (index) => entries[entries.length - 1 - (index - head)];
  const indexOf = (seq) => {
    const place = seq === null ? -1 : entries.findLastIndex((entry) => entry.seq === seq);
    return place < 0 ? -1 : entries.length - 1 - place + head;
  };
  const startIndex = useMemo(() => (start === null ? 0 : Math.max(0, indexOf(start))), [log, entries.length > 0]);
  useEffect(() => setCurrent(startIndex), [log, startIndex]);
  const selected = useMemo(() => indexOf(open), [open, version, log]);
  useEffect(() => {
    if (selected < 0) return;
    setCurrent(selected);
    list.current.show(selected);
  }, [open, selected < 0]);

  // Who reads a feed that is gone holds nothing still.
  useLayoutEffect(() => () => { hold.isFocused.value = hold.isOver.value = hold.isDown.value = false; }, [hold]);

  const readNewer = async () => {
    const found = await reading.readNewer();
    above.current += found;
    setCurrent((index) => index + found);
  };
  const row = (index) => {
    if (index < head) return html`<${Head} reading=${reading} onRead=${readNewer} />`;
    const entry = entryAt(index);
    if (entry === undefined) return html`<${Tail} reading=${reading} log=${log} />`;
    if (isGap(entry)) return html`<${GapLine} gap=${entry} onFill=${(gap) => reading.fill(gap)} />`;
    return html`<${Line} event=${entry} isMarked=${entry.seq === start} isNews=${log.isNews(entry)} />`;
  };
  // In a flood rows are used again for others, which costs less than new ones.
  const { isCalm } = log;
  const rowKey = (index) => {
    const entry = entryAt(index);
    return index < head ? "head" : entry === undefined ? "tail" : isCalm ? `event ${lastOf(entry)}` : index;
  };
  const backdrop = (first, last) => html`<${LaneLines} first=${first} rowPx=${rowPx}
    lanes=${lanes.assign(Array.from({ length: last - first }, (_, place) => entryAt(first + place)))} />`;
  const isEvent = (index) => index >= head && entryAt(index)?.seq !== undefined;
  const openAt = (index) => {
    if (isEvent(index)) setParameters({ event: entryAt(index).seq }, { push: open === null });
  };
  return html`
    <div class="feed" onPointerEnter=${({ pointerType }) => { hold.isOver.value = pointerType === "mouse"; }}
      onPointerLeave=${() => { hold.isOver.value = false; }} onFocusIn=${() => { hold.isFocused.value = true; }}
      onFocusOut=${({ currentTarget, relatedTarget }) => { hold.isFocused.value = currentTarget.contains(relatedTarget); }}>
      <${VirtualList} id="feed" label="Events, newest first" count=${count} rowPx=${rowPx} row=${row} rowKey=${rowKey}
        list=${list} backdrop=${isNarrow ? undefined : backdrop} above=${above.current} start=${startIndex}
        current=${Math.min(current, count - 1)} selected=${selected} onCurrent=${setCurrent} onOpen=${openAt}
        onScrolled=${(top) => { hold.isDown.value = top > 0; }}
        onTop=${start === null ? undefined : readNewer} onEnd=${() => reading.readOlder()}
        keys=${{ c: () => { if (isEvent(current)) copy(JSON.stringify(entryAt(current), null, 2)); } }} />
    </div>`;
}

function useNarrow() {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const take = () => setNarrow(narrow.matches);
    narrow.addEventListener("change", take);
    return () => narrow.removeEventListener("change", take);
  }, []);
  return isNarrow;
}

// Above the newest of a feed that is shown from some time in the past.
function Head({ reading, onRead }) {
  const state = reading.newer.value;
  if (state instanceof Error) return html`<${Failed} error=${state} onRetry=${onRead} />`;
  if (state === "running") return html`<span class="note">Loading newer events</span>`;
  return html`
    <span class="note">${state === "ended" ? "This is all up to now. " : "Newer events follow. "}
      <${RowButton} onClick=${onRead}>${state === "ended" ? "Look again" : "Load them"}</${RowButton}></span>`;
}

// Below the oldest: what comes before it.
function Tail({ reading, log }) {
  const state = reading.older.value;
  const look = () => reading.readOlder();
  if (state instanceof Error) return html`<${Failed} error=${state} onRetry=${look} />`;
  if (state === "running") return html`<span class="note">Loading older events</span>`;
  const none = log.entries.length === 0 && "No event matches: remove a filter. ";
  if (reading.isAtStart) {
    return html`<span class="note">${none}${reading.firstKept > 1
      ? `Events before ${exact(reading.firstKept)} are not kept any more.` : "Nothing came before."}</span>`;
  }
  return html`<span class="note">${none}Looked back to event ${exact(log.low)}.${" "}
    <${RowButton} onClick=${look}>Look further</${RowButton}></span>`;
}

const Failed = ({ error, onRetry }) => html`
  <span class="note row" role="alert">
    <span class="clip" title=${error.requestId && `Request ${error.requestId}`}>${error.message}</span>
    <${RowButton} onClick=${onRetry}>Try again</${RowButton}></span>`;
