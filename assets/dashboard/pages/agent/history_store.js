// What an agent did: its operations and its metrics as one list, newest first. Pages of both are read by their keysets,
// what happens meanwhile comes from the stream.

import { signal } from "../../core/view.js";
import { nextPageOf, request, urlOf } from "../../core/api.js";
import { listen } from "../../core/stream.js";

const PAGE = 100;
const KEPT = 10_000; // beyond, no more is read back, and the list begins anew once nobody reads it

const KINDS = {
  operation: { list: "/api/v1/events/audit", at: ({ timestamp }) => timestamp, isIn: ({ data }) => data?.audit_id },
  metric: {
    list: "/api/v1/metrics/",
    at: ({ recorded_at }) => recorded_at,
    isIn: ({ type, data }) => type === "metric_recorded" && data?.metric_id,
  },
};

export const entryOf = (kind, record) =>
  ({ kind, key: `${kind}-${record.seq}`, at: KINDS[kind].at(record), record });

const newestFirst = (a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : b.record.seq - a.record.seq);

function entriesOf(event) {
  const kind = Object.keys(KINDS).find((each) => KINDS[each].isIn(event));
  return kind ? [entryOf(kind, event.data)] : [];
}

// The history of the agent with this id: `state` holds `{entries, hasMore, isFull, isLoading, error}`. `hold` is told
// whether somebody reads it. `start` returns how to end it.
export function createHistory(agentId) {
  const state = signal({ entries: [], hasMore: false, isFull: false, isLoading: true, error: null });
  const known = new Set(); // the keys of the entries
  let entries = []; // newest first
  let isHeld = false;
  let sources = [];
  let turn = 0; // answers of an earlier beginning are not wanted any more

  // Puts entries where they belong; those that are older than all of them stay where they are.
  function add(all) {
    const added = all.filter(({ key }) => !known.has(key)).sort(newestFirst);
    if (added.length === 0) return;
    for (const { key } of added) known.add(key);
    const found = entries.findIndex((entry) => newestFirst(added.at(-1), entry) < 0);
    const place = found < 0 ? entries.length : found;
    entries = [...[...added, ...entries.slice(0, place)].sort(newestFirst), ...entries.slice(place)];
  }

  // How many are complete: where a source has more, those that are not older than its oldest.
  function complete() {
    const floor = sources.filter(({ next }) => next !== null).map(({ oldest }) => oldest).sort().at(-1) ?? "";
    return entries.findLastIndex(({ at }) => at >= floor) + 1;
  }

  function show(changes = {}) {
    const number = complete();
    state.value = {
      ...state.peek(),
      entries: number === entries.length ? entries : entries.slice(0, number),
      hasMore: sources.some(({ next }) => next !== null),
      isFull: entries.length >= KEPT,
      ...changes,
    };
  }

  function forget(from) {
    for (const { key } of entries.slice(from)) known.delete(key);
    entries = entries.slice(0, from);
  }

  async function read(source) {
    const { body, headers } = await request(source.next);
    const page = body.map((record) => entryOf(source.kind, record));
    return { page, reached: { next: nextPageOf(headers), oldest: page.at(-1)?.at ?? source.oldest } };
  }

  async function load(chosen, all = sources) {
    const begun = turn;
    show({ isLoading: true });
    try {
      const pages = await Promise.all(chosen.map(read));
      if (begun !== turn) return;
      chosen.forEach((source, index) => Object.assign(source, pages[index].reached));
      if (sources !== all) {
        sources = all;
        forget(complete()); // what is older is read again when it is reached
      }
      add(pages.flatMap(({ page }) => page));
      show({ isLoading: false, error: null });
    } catch (error) {
      if (begun === turn) show({ isLoading: false, error });
    }
  }

  // What is known stays until the first pages were read.
  function begin() {
    turn += 1;
    const fresh = Object.entries(KINDS).map(([kind, { list }]) =>
      ({ kind, next: urlOf(list, { agent_id: agentId, limit: PAGE }), oldest: "" }));
    return load(fresh, fresh);
  }

  // Reads on where the list is thinnest.
  function more() {
    const open = sources.filter(({ next }) => next !== null);
    if (state.peek().isLoading || open.length === 0 || entries.length >= KEPT) return;
    const floor = open.map(({ oldest }) => oldest).sort().at(-1);
    load(open.filter(({ oldest }) => oldest === floor));
  }

  function receive(events) {
    if (events.some(({ type }) => type === "reset")) {
      forget(0);
      sources = [];
      begin();
    } else if (events.some(({ type }) => type === "gap")) {
      begin();
    }
    const own = events.filter(({ metadata }) => metadata?.agent_id === agentId).flatMap(entriesOf);
    if (own.length === 0) return;
    add(own);
    show();
    if (entries.length > KEPT && !isHeld && !state.peek().isLoading) begin();
  }

  return {
    state,
    more,
    hold: (isSo) => { isHeld = isSo; },
    retry: begin,
    start: () => { begin(); return listen(receive); },
  };
}
