// The records that match the filters, page after page. What was read stays as it is while it is read; what arrives
// since is counted, and shown when the reader asks for it.

import { signal, useEffect, useRef } from "../../core/view.js";
import { nextPageOf, request, totalOf, urlOf } from "../../core/api.js";
import { asDates } from "../../core/range.js";
import { listen } from "../../core/stream.js";
import { matches } from "./matches.js";

const AUDIT = "/api/v1/events/audit";
const PAGE = 100;
const KEPT = 6; // lists, so that going back shows at once what was there
const MOST_NEWS = 10_000; // counted one by one
const OLD_MS = 3 * 60_000; // a list of the last hour that is older than this is not of the last hour any more
const OFTEN_MS = 2_000; // an empty list is read again by itself at most this often
const NO_NEWS = { count: 0, hasGap: false };

const lists = new Map(); // by filters and range, in the order of use

// `{records, total, next, news, error, retry(), isOld, parameters, more(), renew()}`: `records` are undefined until the first
// answer; while other filters load, those of before stay, marked by `isOld`. `news` is a signal, so that a thousand
// records a second are not a thousand pages drawn: `{count, hasGap}`, what arrived since, and whether there may be more.
export function useRecords(filters, range) {
  const list = listOf(filters, range);
  useEffect(() => {
    list.users += 1;
    if (list.state.peek().records === undefined || isOutdated(list)) renew(list);
    else fill(list);
    return () => { list.users -= 1; };
  }, [list]);
  const before = useRef({});
  const state = list.state.value;
  if (state.records !== undefined) before.current = state;
  const isOld = state.records === undefined && before.current.records !== undefined;
  return {
    ...before.current, ...state, isOld, key: list.key, parameters: list.parameters,
    records: state.records ?? before.current.records, total: state.total ?? before.current.total, news: list.news,
    more: () => more(list), renew: () => renew(list),
  };
}

function listOf(filters, range) {
  const key = JSON.stringify([filters, range.period ?? [range.from, range.to]]);
  const list = lists.get(key) ?? newList(key, filters, range);
  lists.delete(key);
  lists.set(key, list);
  for (const oldest of lists.values()) {
    if (lists.size <= KEPT) break;
    if (oldest.users === 0) forget(oldest);
  }
  return list;
}

function forget(list) {
  list.stop();
  lists.delete(list.key);
}

function newList(key, filters, range) {
  const list = {
    key, filters, range, users: 0, turn: 0, isReading: false, seqs: new Set(), arrived: new Set(),
    renewedAt: 0, filledAt: -OFTEN_MS, timer: null,
    state: signal({ next: null }),
    news: signal(NO_NEWS),
    parameters: { ...filters, ...asDates(range) },
  };
  list.stop = listen((events) => hear(list, events));
  return list;
}

const isOutdated = ({ range, renewedAt }) => Boolean(range.period) && Date.now() - renewedAt > OLD_MS;

// Reads the list from its start, up to now.
function renew(list) {
  list.renewedAt = Date.now();
  list.parameters = { ...list.filters, ...asDates(list.range) };
  list.turn += 1;
  list.seqs.clear();
  list.arrived.clear();
  list.news.value = NO_NEWS;
  return read(list, urlOf(AUDIT, { ...list.parameters, limit: PAGE }), []);
}

function more(list) {
  const { next, records } = list.state.peek();
  if (next !== null && !list.isReading) read(list, next, records);
}

// A page may come back short, or empty, when matches are rare: then it is gone on from there.
async function read(list, first, before) {
  const { turn } = list;
  list.isReading = true;
  let records = before;
  try {
    for (let url = first; url !== null && records.length < before.length + PAGE / 2;) {
      const { body, headers } = await request(url);
      if (list.turn !== turn) return;
      for (const { seq } of body) {
        list.seqs.add(seq);
        list.arrived.delete(seq);
      }
      records = [...records, ...body];
      const total = url === first && before.length === 0 ? totalOf(headers) : list.state.peek().total;
      url = nextPageOf(headers);
      list.state.value = { ...list.state.peek(), records, total, next: url, error: undefined };
      tell(list);
      if (list.users === 0) break;
    }
  } catch (error) {
    if (list.turn !== turn) return;
    list.state.value = { ...list.state.peek(), error, retry: () => read(list, first, before) };
  }
  list.isReading = false;
  fill(list);
}

function hear(list, events) {
  if (events.some(({ type }) => type === "reset")) {
    if (list.users > 0) renew(list);
    else forget(list);
    return;
  }
  for (const { data } of events) {
    if (list.arrived.size === MOST_NEWS) break;
    const isRecord = data?.audit_id !== undefined && !list.seqs.has(data.seq);
    if (isRecord && matches(data, list.parameters)) list.arrived.add(data.seq);
  }
  tell(list, events.some(({ type }) => type === "gap"));
  fill(list);
}

// An empty list that is looked at shows by itself what arrived: there is nothing yet that could move.
function fill(list) {
  const isDue = () => list.users > 0 && !list.isReading && list.arrived.size > 0 && list.state.peek().records?.length === 0;
  if (!isDue() || list.timer !== null) return;
  list.timer = setTimeout(() => {
    list.timer = null;
    if (!isDue()) return;
    list.filledAt = performance.now();
    renew(list);
  }, Math.max(0, list.filledAt + OFTEN_MS - performance.now()));
}

function tell(list, isGap = false) {
  const before = list.news.peek();
  const next = { count: list.arrived.size, hasGap: before.hasGap || isGap || list.arrived.size === MOST_NEWS };
  if (next.count !== before.count || next.hasGap !== before.hasGap) list.news.value = next;
}
