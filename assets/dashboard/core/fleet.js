// All agents, in memory: read once in brief, then moved by the events. Sorting, filtering and the palette need no
// request. What events cannot tell (an agent that falls idle, a success rate) is read again now and then.

import { effect, signal } from "./view.js";
import { nextPageOf, request } from "./api.js";
import { listen, origin } from "./stream.js";

const BRIEF = "/api/v1/agents/brief?limit=2500";
const SHOW_MS = 250; // figures that tick are shown at most so often; agents that come and go at once
const PROMPT_MS = 30; // what a metric moves comes as events one after the other
const OFTEN_MS = 10_000;
const SELDOM_MS = 60_000;
const LOAD_SHARE = 20; // reading takes a twentieth of the time at most

// `{agents, error, isLoading}`: the agents by name, in the members of GET /api/v1/agents/brief. A new object whenever
// something changed; each agent that changed is a new object, too.
export const fleet = signal({ agents: [], error: null, isLoading: true });

const byId = new Map();
const idByName = new Map();
let order = null; // the ids by name; null when an agent came or went
let timer = null;
let shownAt = 0;
let isStale = false;
let running = null;
let meanwhile = []; // events of agents that came while all were read: the answer may be from before them
let loadedAt = 0;
let cost = 0;

// Changes when agents come or go: who looks one up is drawn again then, and not whenever a figure ticks.
const members = signal(0);

export function agentById(id) {
  void members.value;
  return byId.get(id);
}
export const agentByName = (name) => agentById(idByName.get(name));

export function start() {
  // Not before the stream has its beginning: who comes or goes between the two would be missed.
  effect(() => { if (origin.value !== null) load(); });
  listen((events) => {
    let isUrgent = false;
    for (const event of events) isUrgent = apply(event) || isUrgent;
    if (fleet.peek().isLoading) return; // what the events tell of is not all there is
    if (isUrgent) show();
    else if (isStale) timer ??= setTimeout(show, Math.max(PROMPT_MS, shownAt + SHOW_MS - performance.now()));
  });
  setInterval(() => {
    const age = performance.now() - loadedAt;
    const isDue = age > (isStale ? Math.max(OFTEN_MS, cost * LOAD_SHARE) : SELDOM_MS);
    if ((isDue || fleet.peek().error) && !document.hidden) load();
  }, OFTEN_MS / 4);
}

// Reads all agents again.
export function load() {
  running ??= readAll().finally(() => { running = null; });
  return running;
}

async function readAll() {
  const begun = performance.now();
  isStale = false;
  meanwhile = [];
  try {
    const read = [];
    for (let url = BRIEF; url !== null;) {
      const { body, headers } = await request(url);
      read.push(...body);
      url = nextPageOf(headers);
    }
    replaceAll(read);
    for (const event of meanwhile.splice(0)) apply(event);
    show(null);
  } catch (error) {
    show(error);
  }
  loadedAt = performance.now();
  cost = loadedAt - begun;
}

function replaceAll(agents) {
  const areSame = agents.length === byId.size && agents.every(({ agent_id, name }) => idByName.get(name) === agent_id);
  const before = areSame ? order : null;
  byId.clear();
  idByName.clear();
  for (const agent of agents) put(agent);
  order = before;
}

function put(agent) {
  if (!byId.has(agent.agent_id)) order = null;
  byId.set(agent.agent_id, agent);
  idByName.set(agent.name, agent.agent_id);
}

function show(error = fleet.peek().error) {
  clearTimeout(timer);
  timer = null;
  shownAt = performance.now();
  if (order === null) {
    order = [...byId.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ agent_id }) => agent_id);
    members.value = members.peek() + 1;
  }
  fleet.value = { agents: order.map((id) => byId.get(id)), error, isLoading: false };
}

// Whether it must be seen at once.
function apply(event) {
  isStale = true;
  if (event.type === "gap" || event.type === "reset") {
    load();
    return false;
  }
  const id = event.metadata?.agent_id;
  if (running && event.type.startsWith("agent_")) meanwhile.push(event);
  if (event.type === "agent_deleted") {
    idByName.delete(byId.get(id)?.name);
    order = null;
    return byId.delete(id);
  }
  if (event.data?.budget && event.data.agent_id) {
    put(briefOf(event.data, byId.get(event.data.agent_id)));
    return true;
  }
  if (isActOnBudget(event)) return false;
  const agent = byId.get(id) ?? agentByName(event.agentName);
  if (agent) put({ ...agent, ...moved(agent, event) });
  return false;
}

// What an operator did to a budget, which need not be an agent's: what is left then says nothing of what an agent used.
const isActOnBudget = ({ type, metadata }) => type === "budget_updated" && /^budget_/.test(metadata?.operation);

function moved(agent, { type, timestamp, metadata }) {
  const last_active_at = timestamp > (agent.last_active_at ?? "") ? timestamp : agent.last_active_at;
  const status = agent.status === "idle" || agent.status === "offline" ? "active" : agent.status;
  if (type !== "budget_updated") return { last_active_at, status };
  const isExceeded = metadata.budgetRemaining < 0 && status !== "paused";
  return {
    last_active_at,
    status: isExceeded ? "blocked" : status,
    tokens_used_today: agent.tokens_used_today + (metadata.tokens ?? 0),
    cost_used_today: agent.max_cost_per_day - metadata.budgetRemaining,
  };
}

// An agent in full, as its events carry it, in the members of the brief. What was never measured stays null.
function briefOf({ budget, metadata, performance: figures, timestamps, ...agent }, before) {
  const measured = before !== undefined && before.success_rate !== null;
  return {
    agent_id: agent.agent_id,
    name: agent.name,
    display_name: agent.display_name,
    role: agent.role,
    category: metadata.category,
    specialist: metadata.specialist,
    tags: metadata.tags,
    status: agent.status,
    currency: budget.currency,
    max_cost_per_day: budget.max_cost_per_day,
    cost_used_today: budget.cost_used_today,
    tokens_used_today: budget.tokens_used_today,
    max_tokens_per_session: budget.max_tokens_per_session,
    success_rate: measured ? figures.success_rate : null,
    quality_score: before?.quality_score ?? null,
    avg_execution_time_ms: before?.avg_execution_time_ms ?? null,
    total_tasks_completed: figures.total_tasks_completed,
    created_at: timestamps.created_at,
    last_active_at: timestamps.last_active_at,
  };
}
