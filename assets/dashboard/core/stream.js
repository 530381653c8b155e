// The live stream: one connection for the whole page. Frames are joined, so that a thousand events a second are one
// change for each painted frame. After a break it goes on where it was, without gap or repeat.

import { signal } from "./view.js";
import { request, urlOf } from "./api.js";

const STREAM = "/api/v1/agents/activity/stream";
// The same events read page by page.
export const EVENTS = "/api/v1/events/stream";
const SILENCE_MS = 75_000; // the server pings every 30 s: two pings were missed
const STABLE_MS = 5_000; // a connection that lasted this long starts the backoff anew
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 10_000;
const HIDDEN_MS = 500; // a hidden page paints no frames
const MOST_QUEUED = 5_000; // a hidden page's timers may rest for a minute
const MOST_BEHIND = 20_000; // of more, only the newest are read: nobody waits for a night to pass by
const RECENT = 200;
const NOT_ALLOWED = 1008; // the server's close code where a token has ended

// `phase` is connecting, live, behind (catching up with `behind` events) or offline (since `since`, ms).
export const connection = signal({ phase: "connecting", since: Date.now(), behind: 0 });

// Where the stream of this page began: `{events}`, the newest before it, oldest first. Null until the first answer,
// another one when the server has another database.
export const origin = signal(null);

// The last event that was received, by its place and its id; the place is null before the first answer.
let lastSeq = null;
let lastId = null;
let socket = null;
let openedAt = null;
let heardAt = 0;
let attempts = 0;
let retry = null;
let isKnown = false; // whether this connection is to the database of before
let target = 0; // the server's newest event when it was connected to
let queue = [];
let frame = null;
let timer = null;
const listeners = new Set();

// Calls `listener` with every batch of what arrives: events in order, among them `{type: "gap", from, to, isKept}` for
// events that were passed over, which may still be read over HTTP or not, and `{type: "reset"}` when the server has
// another database. Returns how to end it.
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Follows the stream from now on.
export async function start() {
  setInterval(() => { if (socket !== null && Date.now() - heardAt > SILENCE_MS) connectLater(); }, SILENCE_MS / 5);
  addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) flush(); // the frame that it waits for may never be painted
    else connect();
  });
  await connect();
}

async function connect() {
  clearTimeout(retry);
  if (socket !== null) return;
  if (lastSeq === null) {
    const answer = await request(urlOf(EVENTS, { limit: RECENT })).catch(() => null);
    if (socket !== null) return;
    if (answer === null) {
      connectLater();
      return;
    }
    begin(answer.body);
  }
  const url = new URL(STREAM, location.href.replace(/^http/, "ws"));
  // The last event once more: its id tells whether the database is the one of before.
  url.searchParams.set("since", Math.max(0, lastSeq - 1));
  const opened = new WebSocket(url);
  socket = opened;
  openedAt = null;
  heardAt = Date.now();
  isKnown = lastId === null;
  opened.onopen = () => { openedAt = Date.now(); };
  opened.onmessage = ({ data }) => {
    if (socket !== opened) return; // given up already
    heardAt = Date.now();
    receive(JSON.parse(data));
  };
  opened.onclose = ({ code }) => {
    if (socket !== opened) return;
    // A browser does not say why a connection was refused: a request finds out whether the reader has to log in.
    if (openedAt === null || code === NOT_ALLOWED) request(urlOf(EVENTS, { limit: 1 })).catch(() => null);
    connectLater();
  };
}

function begin({ events, last_seq }) {
  const last = events.at(-1);
  lastSeq = last?.seq ?? last_seq;
  lastId = last?.id ?? null;
  origin.value = { events };
}

function connectLater() {
  if (openedAt !== null && Date.now() - openedAt > STABLE_MS) attempts = 0;
  openedAt = null;
  socket?.close();
  socket = null;
  if (connection.value.phase !== "offline") connection.value = { phase: "offline", since: Date.now(), behind: 0 };
  // Half of the delay is random, so that many pages do not return in one moment.
  const delay = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempts) * (0.5 + Math.random() / 2);
  attempts += 1;
  clearTimeout(retry);
  retry = setTimeout(connect, delay);
}

function receive(message) {
  const type = message?.type;
  if (type === "ping") socket.send('{"type":"pong"}');
  else if (type === "batch") message.events?.forEach(receive);
  else if (type === "stats") greet(message.data.last_seq);
  else if (type === "gap") receiveGap(message);
  else if (Number.isFinite(message?.seq)) receiveEvent(message);
}

function greet(newest) {
  target = newest;
  if (newest < lastSeq) startAnew(); // it counts fewer events than were seen here
  else settle();
}

// The server has another database: what is known of its stream is worth nothing.
function startAnew() {
  lastSeq = null;
  queue = [];
  deliver({ type: "reset" });
  connectLater();
}

function receiveGap({ from, to }) {
  isKnown = true; // the last event is not kept any more: nothing to compare
  if (to > lastSeq) pass(Math.max(from, lastSeq + 1), to, false);
  settle();
}

function receiveEvent(event) {
  if (lastSeq === null) return; // what a batch still held after a new start
  if (!isKnown) confirm(event);
  else if (event.seq > lastSeq) {
    [lastSeq, lastId] = [event.seq, event.id];
    deliver(event);
    if (connection.value.phase !== "live") settle();
  }
}

function confirm({ seq, id }) {
  if (seq !== lastSeq || id !== lastId) {
    startAnew();
    return;
  }
  isKnown = true;
  if (target - lastSeq <= MOST_BEHIND) return;
  pass(lastSeq + 1, target - RECENT, true);
  socket.close();
  socket = null;
  connect();
}

function pass(from, to, isKept) {
  [lastSeq, lastId] = [to, null];
  deliver({ type: "gap", from, to, isKept });
}

// Says whether the page is as new as the server was when it connected.
function settle() {
  const behind = target - lastSeq;
  const before = connection.value;
  if (behind <= 0) connection.value = { phase: "live", since: Date.now(), behind: 0 };
  else if (before.phase !== "behind" || before.behind - behind >= 100) {
    connection.value = { phase: "behind", since: Date.now(), behind };
  }
}

function deliver(item) {
  queue.push(item);
  if (queue.length >= MOST_QUEUED) flush();
  else if (document.hidden) timer ??= setTimeout(flush, HIDDEN_MS);
  else frame ??= requestAnimationFrame(flush);
}

function flush() {
  cancelAnimationFrame(frame);
  clearTimeout(timer);
  frame = timer = null;
  const items = queue;
  queue = [];
  if (items.length > 0) for (const listener of listeners) listener(items);
}
