// What waits for a person's answer: read once, then moved by the events, so that every page tells of it at once.

import { computed, effect, signal } from "./view.js";
import { request } from "./api.js";
import { connection, listen, origin } from "./stream.js";

const PENDING = "/api/v1/approvals?status=pending&limit=500";
const KEPT = 200; // of those that were answered while this page was open

// `{list, error, isLoading}`: those that end soonest come first, so that a new one moves no other.
export const pending = signal({ list: [], error: null, isLoading: true });
export const waiting = computed(() => pending.value.list.length);

// What became of those that were answered, or ended, since this page was opened, by id.
export const answered = signal(new Map());

let running = null;
let meanwhile = []; // what was told while all were read: the answer may be from before it

export function start() {
  // Not before the stream has its beginning: what comes between the two would be missed.
  effect(() => { if (origin.value !== null) load(); });
  effect(() => { if (connection.value.phase === "live" && pending.peek().error) load(); });
  listen((events) => {
    if (events.some(({ type }) => type === "gap" || type === "reset")) load();
    const own = events.filter(({ type, data }) => /^approval_/.test(type) && data?.approval_id);
    if (own.length === 0) return;
    take(own.map(({ data }) => data));
  });
}

// Takes approvals as they are now, as an event or an answer of the server tells them.
export function take(approvals) {
  if (running) meanwhile.push(...approvals);
  const ended = approvals.filter(({ status }) => status !== "pending").map((approval) => [approval.approval_id, approval]);
  if (ended.length > 0) answered.value = new Map([...answered.peek(), ...ended].slice(-KEPT));
  pending.value = { ...pending.peek(), list: moved(pending.peek().list, approvals) };
}

// Reads all that wait again.
export function load() {
  running ??= readAll().finally(() => { running = null; });
  return running;
}

async function readAll() {
  meanwhile = [];
  try {
    const { body } = await request(PENDING);
    pending.value = { list: moved(body, meanwhile), error: null, isLoading: false };
  } catch (error) {
    pending.value = { ...pending.peek(), error, isLoading: false };
  }
}

function moved(list, approvals) {
  const byId = new Map(list.map((approval) => [approval.approval_id, approval]));
  for (const approval of approvals) {
    if (approval.status === "pending") byId.set(approval.approval_id, approval);
    else byId.delete(approval.approval_id);
  }
  return inOrder([...byId.values()]);
}

// Those that end soonest first; of one moment in the order in which they were asked.
export const inOrder = (list) => list.sort((a, b) =>
  compare(a.expires_at, b.expires_at) || compare(a.created_at, b.created_at) || compare(a.approval_id, b.approval_id));

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

// What an agent wants to do it on: the command, the path, the service or the target; "" where it told none.
export const subjectOf = ({ command, path, api, target }) => command ?? path ?? api ?? target ?? "";
