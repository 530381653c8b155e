// What was read from the server: kept by address, shared by all who show it, and read again when events say that it
// changed. Going back to a page shows at once what it showed, then what is new.

import { effect, signal, useEffect, useRef } from "./view.js";
import { request } from "./api.js";
import { connection, listen } from "./stream.js";

const OFTEN_MS = 2_000; // under constant events, read again at most this often
const PROMPTLY = 5; // as many single events are followed at once, so that what somebody does is seen without a wait
const SELDOM_MS = 60_000; // without events: time alone moves figures, too
const PROMPT_MS = 30; // after the first event, so that those that come with it are in the answer
const LOAD_SHARE = 10; // a slow answer is asked for so much less often: loading takes a tenth of the time at most
const KEPT = 120;

const entries = new Map();

// What an event changes. An answer is an act of the audit trail, too, as is the end of a grant.
function topicsOf({ type, metadata }) {
  if (type === "agent_created" || type === "agent_updated" || type === "agent_deleted") return ["agents"];
  if (type === "budget_alert") return ["alerts"];
  if (type === "gap" || type === "reset") return ["all"];
  if (/^approval_/.test(type) || metadata?.operation === "grant_revoked") return ["approvals", "operations"];
  return [/^(operation_|quality_gate_|agent_spawned)/.test(type) ? "operations" : "metrics"];
}

// Reads a URL (null: nothing) and keeps its answer fresh while it is shown. `on` lists the topics that change it:
// operations, metrics, agents, alerts, approvals. Returns `{data, headers, error, isLoading, reload}`; while another URL loads, the
// answer of the one before stays, marked by `isOld`.
export function useQuery(url, { on = [], every = OFTEN_MS } = {}) {
  const entry = url === null ? null : entryOf(url);
  const topics = on.join();
  useEffect(() => {
    if (entry === null) return undefined;
    const user = { topics: new Set(on), every };
    entry.users.add(user);
    if (entry.state.peek().data === undefined || entry.isStale || isAged(entry)) load(entry);
    return () => entry.users.delete(user);
  }, [entry, topics, every]);
  const shown = useRef(null);
  const state = entry?.state.value ?? { isLoading: false };
  if (state.data !== undefined || entry === null) shown.current = { data: state.data, headers: state.headers };
  const isOld = state.data === undefined && shown.current?.data !== undefined;
  return { ...state, ...shown.current, isOld, reload: () => entry && load(entry) };
}

function entryOf(url) {
  let entry = entries.get(url);
  if (entry === undefined) {
    entry = {
      url, state: signal({ isLoading: true }), users: new Set(), isStale: false, timer: null,
      loadedAt: 0, refreshedAt: 0, credit: PROMPTLY, cost: 0, running: null,
    };
  } else {
    entries.delete(url); // to the end: the map is in the order of use
  }
  entries.set(url, entry);
  for (const [oldest, { users }] of entries) {
    if (entries.size <= KEPT) break;
    if (users.size === 0) entries.delete(oldest);
  }
  return entry;
}

const isAged = (entry) => performance.now() - entry.loadedAt > SELDOM_MS;

async function load(entry) {
  if (entry.running) {
    entry.isStale = true; // what changed since it was asked for is asked for again
    return;
  }
  clearTimeout(entry.timer);
  Object.assign(entry, { timer: null, isStale: false });
  const before = entry.state.peek();
  if (before.error || before.data === undefined) entry.state.value = { ...before, isLoading: true };
  const begun = performance.now();
  entry.running = request(entry.url);
  try {
    const { body, headers } = await entry.running;
    entry.state.value = { data: body, headers, isLoading: false };
  } catch (error) {
    entry.state.value = { data: before.data, headers: before.headers, error, isLoading: false };
  }
  entry.running = null;
  entry.loadedAt = performance.now();
  // The first time it waits for everything else that a page loads: that says nothing of its cost.
  if (before.data !== undefined) entry.cost = entry.loadedAt - begun;
  if (entry.isStale) refreshSoon(entry);
}

function refreshSoon(entry) {
  entry.isStale = true;
  if (entry.users.size === 0 || entry.timer !== null || entry.running || document.hidden) return;
  const every = Math.max(Math.min(...[...entry.users].map((user) => user.every)), entry.cost * LOAD_SHARE);
  // A bucket of tokens: one more each `every` ms, a refresh takes one.
  const at = performance.now();
  entry.credit = Math.min(PROMPTLY, entry.credit + (at - entry.refreshedAt) / every);
  entry.refreshedAt = at;
  const wait = Math.max(PROMPT_MS, (1 - entry.credit) * every);
  entry.credit -= 1;
  entry.timer = setTimeout(() => load(entry), wait);
}

function isTouched(entry, topics) {
  return topics.has("all") || [...entry.users].some((user) => [...user.topics].some((topic) => topics.has(topic)));
}

export function start() {
  listen((events) => {
    const topics = new Set(events.flatMap(topicsOf));
    for (const entry of entries.values()) {
      if (entry.users.size === 0) entry.isStale = true;
      else if (isTouched(entry, topics)) refreshSoon(entry);
    }
  });
  // What failed while the server was away is read again as soon as it is back.
  effect(() => {
    if (connection.value.phase !== "live") return;
    for (const entry of entries.values()) if (entry.state.peek().error) refreshSoon(entry);
  });
  setInterval(() => {
    for (const entry of entries.values()) if (isAged(entry) || entry.state.peek().error) refreshSoon(entry);
  }, SELDOM_MS / 4);
  document.addEventListener("visibilitychange", () => {
    for (const entry of entries.values()) if (entry.isStale) refreshSoon(entry);
  });
}
