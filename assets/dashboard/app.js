// The first dashboard: key figures, agents by last activity, and the live feed.
// Names, messages and paths come from agents and are hostile: they reach the page through textContent only.

const AGENTS_URL = "/api/v1/agents/?sort=-last_active_at&limit=100";
const STREAM_PATH = "/api/v1/agents/activity/stream";

const FEED_ROWS = 200;
const REPLAYED_EVENTS = 50;
const MESSAGE_CHARACTERS = 500; // a message may hold 4 KiB; the feed shows its beginning
const REFRESH_MS = 1_000; // after events, at most this often
const IDLE_REFRESH_MS = 30_000; // without events: an agent grows idle, a day ends
const REQUEST_TIMEOUT_MS = 10_000;
const SILENCE_MS = 75_000; // the server pings every 30 s, so two pings were missed
const STABLE_MS = 5_000; // a connection that lasted this long starts the backoff anew
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 15_000;

const EVENT_STATES = {
  operation_allowed: "ok", task_completed: "ok", quality_gate_passed: "ok",
  operation_requires_approval: "warn", approval_requested: "warn", budget_alert: "warn", missing: "warn",
  operation_denied: "bad", task_failed: "bad", quality_gate_failed: "bad",
};
const AGENT_STATES = { active: "ok", paused: "warn", blocked: "bad" };

const byId = (id) => document.getElementById(id);

// A copy of one of the page's <template>s, and its parts by class name.
function fromTemplate(id) {
  const row = byId(id).content.firstElementChild.cloneNode(true);
  return { row, part: (className) => row.querySelector(`.${className}`) };
}

// Writes only what changed: an equal text would still cost layout and lose a selection.
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function setState(target, text, state = "info") {
  setText(target, text);
  target.dataset.state = state;
}

function showProblem(id, messages) {
  byId(id).hidden = messages.length === 0;
  setText(byId(id), messages.join(" · "));
}

// ---- Amounts and times

const shortNumber = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const twoDecimals = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const timeOfDay = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function formatCount(count) {
  if (!Number.isFinite(count)) return "–";
  return count < 100_000 ? count.toLocaleString("en") : shortNumber.format(count);
}

function formatAmount(amount) {
  if (!Number.isFinite(amount)) return "–";
  if (amount < 0.0001) return amount > 0 ? "<0.0001" : "0";
  if (amount < 0.1) return String(Number(amount.toPrecision(2)));
  return amount < 10_000 ? twoDecimals.format(amount) : shortNumber.format(amount);
}

function formatShare(part, whole) {
  if (!(whole > 0) || !Number.isFinite(part)) return "–";
  const percent = (100 * part) / whole;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function formatTime(timestamp) {
  const date = new Date(timestamp);
  if (Number.isNaN(date.valueOf())) return "–";
  return (date.toDateString() === new Date().toDateString() ? timeOfDay : dayAndTime).format(date);
}

// ---- Requests

async function getJson(url, { alsoRead } = {}) {
  const options = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) };
  const response = await fetch(url, options).catch(() => { throw new Error(`no answer from ${url}`); });
  const body = await response.json().catch(() => null);
  if (body !== null && (response.ok || response.status === alsoRead)) return { body, headers: response.headers };
  const requestId = response.headers.get("X-Request-Id") ?? body?.request_id;
  throw new Error(`${url}: ${response.status} ${body?.detail ?? response.statusText} (request ${requestId})`);
}

// "1,234", or "10,000+" where the server stopped counting.
function totalOf(headers) {
  const atLeast = headers.get("X-Total-At-Least");
  return atLeast === null ? formatCount(parseInt(headers.get("X-Total-Count"), 10)) : `${formatCount(Number(atLeast))}+`;
}

// The path alone: behind a proxy the server may not know the host that it is reached by.
function nextPageOf(headers) {
  const link = /<([^>]*)>\s*;[^,]*\brel="?next\b/.exec(headers.get("Link") ?? "");
  return link && new URL(link[1], location.href).href.replace(/^\w+:\/\/[^/]*/, "");
}

// ---- Key figures

async function refreshFigures() {
  const parts = [
    getJson("/api/v1/agents/stats/summary").then(({ body }) => showSummary(body)),
    getJson("/api/v1/events/audit/stats").then(({ body }) => showAuditStats(body)),
    // Asked for its count, not for its row.
    getJson("/api/v1/agents/?status=active&limit=1").then(({ headers }) => setText(byId("figure-active"), totalOf(headers))),
    getHealth().then(showHealth),
  ];
  const failures = (await Promise.allSettled(parts)).filter(({ status }) => status === "rejected");
  showProblem("figures-problem", failures.map(({ reason }) => reason.message));
}

function showSummary({ total_agents, specialists, budget_used, budget_limit }) {
  setText(byId("figure-agents"), formatCount(total_agents));
  setText(byId("note-agents"), `registered, ${formatCount(specialists)} specialists`);
  // Agents may count in different currencies and the sum does not say so: a name only where all are known to agree.
  const [currency, ...others] = new Set([...agents.shown.values()].map(({ agent }) => agent.budget?.currency));
  const prefix = currency && others.length === 0 && agents.nextPage === null ? `${currency} ` : "";
  setText(byId("figure-cost"), prefix + formatAmount(budget_used));
  const share = budget_limit > 0 ? `, ${formatShare(budget_used, budget_limit)}` : "";
  setText(byId("note-cost"), `of ${prefix}${formatAmount(budget_limit)}${share}`);
}

function showAuditStats({ total_operations, rbac_decisions }) {
  const denied = rbac_decisions?.denied ?? 0;
  setText(byId("figure-operations"), formatCount(total_operations));
  setText(byId("figure-denials"), formatCount(denied));
  setText(byId("note-denials"), `${formatShare(denied, total_operations)} of all operations`);
}

// An unhealthy server answers 503 with the same members, and says why.
const getHealth = () => getJson("/health", { alsoRead: 503 }).then(({ body }) => body);

function showHealth({ status, version, error }) {
  if (status !== "healthy") throw new Error(`the server is ${status}: ${error ?? "no reason given"}`);
  setText(byId("server"), `agentmap ${version ?? ""}, storage connected`);
}

// ---- Agents

const showAgentsProblem = (error) => showProblem("agents-problem", [error.message]);
const agents = { shown: new Map(), order: [], pages: 0, nextPage: null, total: "–" };

function showAgent(agent) {
  const { row, part } = agents.shown.get(agent.agent_id) ?? fromTemplate("agent-row");
  const { cost_used_today: used, max_cost_per_day: limit, currency = "" } = agent.budget ?? {};
  const lastActive = agent.timestamps?.last_active_at ?? null;
  row.title = `${agent.name}, ${lastActive === null ? "never active" : `last active ${formatTime(lastActive)} (${lastActive})`}`;
  setText(part("name"), agent.display_name || agent.name);
  setText(part("role"), agent.role);
  setText(part("category"), agent.metadata?.category ?? "–");
  setState(part("state"), agent.status, AGENT_STATES[agent.status]);
  setText(part("cost"), `${formatAmount(used)} / ${currency} ${formatAmount(limit)}${used > limit ? " (over)" : ""}`);
  part("cost").classList.toggle("over", used > limit);
  // A rate of zero before the first activity is no failure.
  setText(part("success"), lastActive === null ? "–" : formatShare(agent.performance?.success_rate, 1));
  agents.shown.set(agent.agent_id, { row, part, agent });
  return agent.agent_id;
}

async function refreshAgents() {
  const { body, headers } = await getJson(AGENTS_URL);
  const firstPage = body.map(showAgent);
  agents.total = totalOf(headers);
  // Whoever was active moves to the top; pages loaded below the first stay where the reader has them.
  if (agents.pages > 1) agents.order = [...new Set([...firstPage, ...agents.order])];
  else Object.assign(agents, { order: firstPage, pages: 1, nextPage: nextPageOf(headers) });
  showAgents();
}

async function showMoreAgents() {
  const { body, headers } = await getJson(agents.nextPage);
  agents.order = [...new Set([...agents.order, ...body.map(showAgent)])];
  agents.nextPage = nextPageOf(headers);
  agents.pages += 1;
  showAgents();
}

function showAgents() {
  showProblem("agents-problem", []);
  const kept = new Set(agents.order);
  for (const id of agents.shown.keys()) if (!kept.has(id)) agents.shown.delete(id);
  const isEmpty = kept.size === 0;
  byId("agents-empty").hidden = !isEmpty;
  byId("agents-panel").hidden = isEmpty;
  byId("agents-more").hidden = agents.nextPage === null;
  setText(byId("agents-count"), isEmpty ? "" : `${formatCount(kept.size)} of ${agents.total}, by last activity`);
  // Rows change in place at all times, but they do not move under the pointer of someone who reads them.
  const body = byId("agents-rows");
  const isSameSet = body.children.length === kept.size;
  if (isSameSet && isRead(byId("agents-panel"))) return;
  const rows = agents.order.map((id) => agents.shown.get(id).row);
  if (rows.some((row, index) => body.children[index] !== row) || !isSameSet) body.replaceChildren(...rows);
}

// ---- Feed

const hasPointer = matchMedia("(hover: hover)"); // on a touch screen "hover" is only where the last tap was

function isRead(panel) {
  const isFocused = panel.matches(":focus-visible, :has(:focus-visible)");
  return panel.scrollTop > 0 || isFocused || (hasPointer.matches && panel.matches(":hover"));
}

// Rows that arrive are joined into one change for each frame; a thousand events a second stay one layout.
const feed = { waiting: [], held: 0, isFramePlanned: false };
function addToFeed(item) {
  feed.waiting.push(item);
  feed.held += 1;
  if (feed.waiting.length > 2 * FEED_ROWS) feed.waiting = feed.waiting.slice(-FEED_ROWS);
  if (!feed.isFramePlanned) requestAnimationFrame(() => showFeed());
  feed.isFramePlanned = true;
}

function showFeed({ evenIfRead = false } = {}) {
  feed.isFramePlanned = false;
  const list = byId("feed");
  const isHeld = !evenIfRead && list.children.length > 0 && isRead(list);
  byId("feed-held").hidden = !isHeld || feed.held === 0;
  setText(byId("feed-held"), `${formatCount(feed.held)} new, show`);
  if (isHeld || feed.waiting.length === 0) return;
  const isFew = feed.waiting.length <= 5; // more than that and the tint would only flicker
  const rows = feed.waiting.slice(-FEED_ROWS).reverse().map((item) => feedRow(item, isFew));
  Object.assign(feed, { waiting: [], held: 0 });
  list.prepend(...rows);
  while (list.children.length > FEED_ROWS) list.lastChild.remove();
}

function feedRow(item, isFresh) {
  const { row, part } = fromTemplate("event-row");
  row.classList.toggle("fresh", isFresh);
  setText(part("time"), formatTime(item.timestamp));
  part("time").title = `${item.timestamp}, event ${item.seq ?? "of this page"}`;
  setState(part("state"), String(item.type).replaceAll("_", " "), EVENT_STATES[item.type]);
  const agentName = String(item.agentName ?? "unknown");
  const message = String(item.message ?? "").slice(0, MESSAGE_CHARACTERS);
  setText(part("agent"), agentName);
  part("message").title = message; // the row shows three lines of it
  setText(part("text"), message.startsWith(`${agentName}: `) ? message.slice(agentName.length + 2) : message);
  setText(part("amount"), item.metadata?.cost > 0 ? formatAmount(item.metadata.cost) : "");
  return row;
}

// ---- Live stream

let figuresAreOld = true; // set by what arrives, read by the loop below
const stream = { socket: null, lastSeq: null, attempts: 0, openedAt: 0, heardAt: 0, offlineSince: null };

async function connect() {
  if (stream.lastSeq === null) {
    const lastSeq = await getHealth().then((health) => health.last_seq, () => null);
    if (Number.isFinite(lastSeq)) stream.lastSeq = Math.max(0, lastSeq - REPLAYED_EVENTS);
  }
  const url = new URL(STREAM_PATH, location.href.replace(/^http/, "ws"));
  if (stream.lastSeq !== null) url.searchParams.set("since", stream.lastSeq);
  const socket = new WebSocket(url);
  stream.socket = socket;
  stream.openedAt = stream.heardAt = Date.now();
  socket.onmessage = ({ data }) => {
    if (stream.socket !== socket) return; // given up already
    stream.heardAt = Date.now();
    receive(JSON.parse(data));
  };
  socket.onclose = () => { if (stream.socket === socket) reconnectLater(); };
}

function receive(frame) {
  const type = frame?.type;
  if (type === "connection") showLive();
  else if (type === "ping") stream.socket.send('{"type":"pong"}');
  else if (type === "batch") frame.events?.forEach(receive);
  else if (type === "stats" && stream.lastSeq > frame.data?.last_seq) startAnew(frame.data.last_seq);
  else if (type === "gap") receiveGap(frame);
  else if (Number.isFinite(frame?.seq) && frame.seq > stream.lastSeq) receiveEvent(frame);
}

function showLive() {
  stream.offlineSince = null;
  setState(byId("connection"), "live", "ok");
  figuresAreOld = true;
}

function receiveEvent(event) {
  stream.lastSeq = event.seq;
  if (event.type === "agent_deleted") agents.order = agents.order.filter((id) => id !== event.metadata?.agent_id);
  addToFeed(event);
  figuresAreOld = true;
}

function receiveGap({ from, to }) {
  stream.lastSeq = Math.max(stream.lastSeq, to - 1);
  addNotice(`events ${from} to ${to}, no longer kept or too many at once`);
}

// Says what the feed does not show. An agent may have come or gone in it, so the list is read from its start.
function addNotice(message) {
  agents.pages = 0;
  figuresAreOld = true;
  addToFeed({ type: "missing", timestamp: new Date().toISOString(), agentName: "stream", message });
}

// The server counts fewer events than were seen here already.
function startAnew(lastSeq) {
  stream.lastSeq = Math.max(0, lastSeq - REPLAYED_EVENTS);
  addNotice("the server has another database now; the rows below belong to the one before");
  reconnectLater();
}

function reconnectLater() {
  stream.socket.close();
  stream.socket = null;
  if (Date.now() - stream.openedAt > STABLE_MS) stream.attempts = 0;
  stream.offlineSince ??= timeOfDay.format(new Date());
  setState(byId("connection"), `offline since ${stream.offlineSince}, trying again`, "bad");
  // Half of the delay is random, so that many dashboards do not return in one moment.
  const delay = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** stream.attempts);
  stream.attempts += 1;
  setTimeout(connect, delay * (0.5 + Math.random() / 2));
}

// One loop, so that two readings never overlap and there are never more than one a second.
async function keepFiguresFresh() {
  for (;;) {
    if (figuresAreOld && !document.hidden) {
      figuresAreOld = false;
      // The agents first: their currencies tell how to write the sums.
      await refreshAgents().catch(showAgentsProblem);
      await refreshFigures();
    }
    await new Promise((resolve) => { setTimeout(resolve, REFRESH_MS); });
  }
}

byId("agents-more").addEventListener("click", () => showMoreAgents().catch(showAgentsProblem));
byId("feed-held").addEventListener("click", () => {
  byId("feed").scrollTop = 0;
  showFeed({ evenIfRead: true });
  byId("feed").focus({ preventScroll: true }); // the button is gone now; focus is not lost with it
});
for (const type of ["scroll", "pointerleave", "focusout"]) byId("feed").addEventListener(type, () => showFeed());
setInterval(() => { figuresAreOld = true; }, IDLE_REFRESH_MS);
// A connection that went away without a word (a laptop that slept) is given up here; the browser may wait for minutes.
setInterval(() => { if (stream.socket !== null && Date.now() - stream.heardAt > SILENCE_MS) reconnectLater(); }, 5_000);
keepFiguresFresh();
connect();
