// Activity: what is going on, one line an event, the newest on top.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useSignalEffect, useState } from "../core/view.js";
import { announce } from "../core/announce.js";
import { events } from "../core/feed.js";
import { count, dayAndTime, exact } from "../core/format.js";
import { useShortcuts } from "../core/keys.js";
import { hrefWith, parameter, setParameters } from "../core/route.js";
import { connection, listen, origin } from "../core/stream.js";
import { csv, download } from "../parts/csv.js";
import { icon } from "../parts/icon.js";
import { Problem, Skeleton } from "../parts/panel.js";
import { Details } from "./activity/details.js";
import { Feed } from "./activity/feed.js";
import { Filters } from "./activity/filters.js";
import { FirstEvent } from "./activity/first_event.js";
import { Hold } from "./activity/hold.js";
import { Jump } from "./activity/jump.js";
import { nameOf, targetOf } from "./activity/line.js";
import { isGap, lastOf, Log } from "./activity/log.js";
import { Reading } from "./activity/reading.js";
import { decisionOf, useWanted } from "./activity/wanted.js";

const placeIn = (name) => {
  const value = parameter(name);
  return /^\d{1,15}$/.test(value ?? "") ? Number(value) : null;
};

let logs = 0; // made so far

export function Activity() {
  const wanted = useWanted();
  const [since, open] = [placeIn("since"), placeIn("event")];
  const hold = useMemo(() => new Hold(), []);
  const [list, live] = [useRef(null), useRef(null)]; // of the latter: {log, began}
  const began = origin.value;
  const { log, reading, key } = useMemo(() => {
    const made = since === null
      ? liveLog(wanted.isWanted, heldAt(hold, live.current, began)) : new Log(wanted.isWanted, [], since);
    logs += 1;
    live.current = since === null ? { log: made, began } : null;
    return { log: made, reading: new Reading(made, wanted.asked), key: logs };
  }, [wanted, since, began]);
  useFollowed(log, hold, since === null);
  const isReady = usePast(reading, since) && (since !== null || began !== null);

  useEffect(() => { hold.isOpen.value = open !== null; }, [open]);
  const pause = () => {
    hold.isPaused.value = !hold.isPaused.value;
    announce(hold.isPaused.value ? "Paused" : "Resumed");
  };
  const showNew = () => {
    log.release();
    list.current?.show(0);
  };
  useShortcuts("Page", since === null ? [{ keys: "p", label: "Pause or resume the feed", run: pause }] : []);
  // To the next older (1) or newer (-1) event; the open one may itself be filtered out, or older than what was read.
  const step = async (by) => {
    if (open < log.low) {
      announce("The events around this one are not loaded");
      return;
    }
    const isNext = (entry) => !isGap(entry) && (by > 0 ? entry.seq < open : entry.seq > open);
    const next = () => (by > 0 ? log.entries.findLast(isNext) : log.entries.find(isNext));
    if (by > 0 && next() === undefined) await reading.readOlder();
    if (parameter("event") !== String(open)) return; // the reader went on meanwhile
    if (next()) setParameters({ event: next().seq });
    else announce(by > 0 ? "No older event" : "No newer event");
  };
  return html`<div class="activity">
    <${Filters}>
      <span class="spring" />
      <${Jump} />
      <button class="button" title="CSV of the lines shown" onClick=${() => save(log.entries)}>${icon("download")}CSV</button>
    </${Filters}>
    ${since === null
      ? html`<${State} log=${log} hold=${hold} onPause=${pause} onShow=${showNew} />`
      : html`<${Past} log=${log} since=${since} />`}
    ${!isReady ? html`<${Waiting} />` : html`<${Lines} key=${key} log=${log} reading=${reading} hold=${hold} since=${since}
      open=${open} list=${list} isFiltered=${wanted.isSet} />`}
    ${open !== null && html`<${Details} seq=${open} loaded=${log.entries.findLast(({ seq }) => seq === open)}
      onClose=${() => setParameters({ event: null })} onStep=${step} />`}
  </div>`;
}

// What a feed that is paused showed last, whatever was filtered; null for one that follows.
const heldAt = (hold, before, began) => (hold.isPaused.peek() && before?.began === began ? before.log.shownTo : null);

const liveLog = (isWanted, end) => (end === null ? new Log(isWanted, events, 0)
  : new Log(isWanted, events.filter((entry) => lastOf(entry) <= end), end));

function Lines({ log, reading, isFiltered, since, ...rest }) {
  const isEmpty = log.version.value >= 0 && log.entries.length === 0;
  if (isEmpty && !isFiltered && log.low <= 1) return html`<${FirstEvent} />`;
  return html`
    <${Feed} log=${log} reading=${reading} start=${since === null ? null : since + 1} ...${rest} />`;
}

// Until the first events are read: the page tries again by itself, and at once when asked to, as when the network is back.
function Waiting() {
  if (connection.value.phase !== "offline") return html`<${Skeleton} height=${480} />`;
  const retry = () => dispatchEvent(new Event("online"));
  return html`<${Problem} error=${new Error("The events cannot be read right now.")} retry=${retry} />`;
}

// The log takes what arrives, and shows what was held back as soon as nobody reads any more.
function useFollowed(log, hold, isLive) {
  useEffect(() => {
    if (!isLive) return undefined;
    log.receive(events, hold.isPaused.peek()); // what came since it was made
    return listen((batch) => log.receive(batch, hold.isHeld.peek()));
  }, [log, isLive]);
  const current = useRef(log);
  current.current = log;
  useSignalEffect(() => { if (!hold.isHeld.value) current.current.release(); });
}

// Reads what is around a place in the past. Whether that is done.
function usePast(reading, since) {
  const [done, setDone] = useState(null);
  useEffect(() => {
    if (since === null) return;
    Promise.all([reading.readNewer(), reading.readOlder()]).then(() => setDone(reading));
  }, [reading, since]);
  return since === null || done === reading;
}

// Whether the feed follows, and how much it holds back.
function State({ log, hold, onPause, onShow }) {
  const waiting = log.waiting.value;
  const [isPaused, isReading] = [hold.isPaused.value, hold.isReading.value];
  const [pause, news] = [useRef(null), useRef(null)];
  const isLeft = waiting === 0 && news.current !== null && document.activeElement === news.current;
  // The focus goes to what stays; not to the feed, which would hold still again at once.
  useLayoutEffect(() => { if (isLeft) pause.current.focus(); });
  return html`
    <div class="feed-state row">
      <button class="button" ref=${pause} aria-pressed=${isPaused} aria-keyshortcuts="p" onClick=${onPause}>
        ${icon(isPaused ? "play" : "pause")}${isPaused ? "Resume" : "Pause"}</button>
      <span class="muted small">${isPaused ? "Paused" : isReading ? "Holds still while you read" : "Following"}</span>
      ${waiting > 0 && html`
        <button class="button primary" ref=${news} onClick=${onShow}>${icon("up")}${count(waiting)} new</button>`}
    </div>`;
}

function Past({ log, since }) {
  const first = log.version.value >= 0 && log.entries.find(({ seq }) => seq > since);
  return html`
    <div class="feed-state row wrap">
      <a class="button primary" href=${hrefWith({ since: null })}>${icon("play")}Back to live</a>
      <span class="muted small">Shown from event ${exact(since + 1)} on${first ? `, ${dayAndTime(first.timestamp)}` : ""}</span>
    </div>`;
}

const save = (entries) => download("activity.csv", csv([
  ["seq", "time", "agent", "event", "operation", "target", "decision", "cost_usd", "session"],
  ...entries.filter((entry) => !isGap(entry)).toReversed().map((event) => {
    const { operation, target } = targetOf(event);
    const { cost, session_id } = event.metadata ?? {};
    return [event.seq, event.timestamp, nameOf(event), event.type, operation, target, decisionOf(event), cost, session_id];
  }),
]));
