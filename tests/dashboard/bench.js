// How fast the dashboard is: its start, from an event to the screen, and under load: 10,000 agents and 1,000 events a
// second. `bench.js [SECONDS]` loads each page so long. Fails when a bound of the table is broken.

import { Api } from "./api.js";
import { launchBrowser, newPage } from "./browser.js";
import { startServer } from "./server.js";
import { delayUntilShown, settled, streaming } from "./wait.js";

const SECONDS = Number(process.argv[2] ?? 60);
const AGENTS = 10_000;
const EVENTS_PER_SECOND = 1_000;
const BATCH_MS = 96; // 96 events, which halves and thirds divide
const CONNECTIONS = 32;
const RUNS = 9;
const WARM_UP_SECONDS = 10;
const LOADED = ["/", "/agents", "/agents/bench-1", "/activity", "/audit", "/cost", "/quality", "/map"];

const failures = [];
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function report(what, value, unit, bound) {
  const isBroken = bound !== undefined && !(value <= bound);
  if (isBroken) failures.push(what);
  const note = bound === undefined ? "" : `${isBroken ? "BROKEN, " : ""}bound ${bound} ${unit}`;
  console.log(`${what.padEnd(52)} ${value.toFixed(value < 10 ? 1 : 0).padStart(8)} ${unit.padEnd(4)} ${note}`);
}

// Many requests over a few connections.
async function inParallel(count, request) {
  let next = 0;
  const worker = async () => { while (next < count) await request(next++); };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

async function measureStart(browser, server) {
  const starts = [];
  for (let run = 0; run < RUNS; run += 1) {
    const page = await newPage(browser, server);
    // Interactive: the page's own controls are there and a frame was painted with them.
    await page.addInitScript(() => {
      const look = () => {
        if (document.querySelector("main .figure a")) requestAnimationFrame((at) => { globalThis.interactive = at; });
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto("/dashboard/");
    await settled(page);
    starts.push(await page.evaluate(() => ({
      painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      interactive: globalThis.interactive,
    })));
    await page.context().close();
  }
  report("first contentful paint, cold cache, median", median(starts.map(({ painted }) => painted)), "ms", 300);
  report("interactive, cold cache, median", median(starts.map(({ interactive }) => interactive)), "ms", 500);
}

async function measureNews(browser, server, api) {
  const page = await newPage(browser, server);
  await Promise.all([streaming(page), page.goto("/dashboard/")]);
  await settled(page);
  const delays = [];
  for (let run = 0; run < RUNS; run += 1) {
    const target = `src/news-${run}.rs`;
    delays.push(await delayUntilShown(page, "main", `news ${run} allowed`, () =>
      api.recordEvent("bench-0", { agent_name: "bench-0", operation_detail: `news ${run}`, target_resource: target })));
  }
  await page.context().close();
  report("from sending an event to seeing it, median", median(delays), "ms", 200);
}

// As many agents, spread over the fleet.
const agentsFrom = (from, size) => Array.from({ length: size }, (_, index) => (from + index * 7_919) % AGENTS);

// One in nine operations is refused.
const operationOf = (agent) => ({
  agent_id: `bench-${agent}`, agent_name: `bench-${agent}`, agent_role: "developer", operation_type: "tool_use",
  operation_detail: "Write", target_resource: `src/file-${agent}.rs`, target_type: "file",
  rbac_decision: agent % 9 === 0 ? "denied" : "allowed", session_id: `session-${agent % 100}`,
});

// Each is told as three events: the metric, the quality, the budget.
const metricOf = (agent) => ({
  agent_id: `bench-${agent}`, metric_type: "execution", execution_time_ms: 100 + agent % 900, success: agent % 7 > 0,
  tokens_used: 10, cost_usd: 0.0001, quality_score: 0.8,
});

// Of what is sent, half of the events are operations and half are told of metrics.
async function send(api, from, events) {
  const agents = agentsFrom(from, events * 2 / 3);
  await Promise.all([
    api.recordEvents(agents.slice(0, events / 2).map(operationOf)),
    api.recordMetrics(agents.slice(events / 2).map(metricOf)),
  ]);
}

// Makes events at an even pace until `signal` ends it; their number a second.
async function load(api, signal) {
  const perBatch = EVENTS_PER_SECOND * BATCH_MS / 1_000;
  const start = performance.now();
  let batch = 0;
  for (; !signal.aborted; batch += 1) {
    await send(api, batch * perBatch, perBatch);
    const wait = start + (batch + 1) * BATCH_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return batch * perBatch / ((performance.now() - start) / 1_000);
}

async function measureLoad(browser, server, api, path) {
  const page = await newPage(browser, server);
  await page.goto(`/dashboard${path}`);
  await settled(page);
  await page.evaluate(() => {
    globalThis.longest = 0;
    globalThis.frames = [];
    const note = (at) => {
      globalThis.frames.push(at);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
    // Tasks under 50 ms are none to the browser.
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: "longtask" });
  });
  const tools = await page.context().newCDPSession(page);
  const heap = async () => {
    await tools.send("HeapProfiler.collectGarbage");
    return (await tools.send("Runtime.getHeapUsage")).usedSize / 1e6;
  };
  const ending = new AbortController();
  const loading = load(api, ending.signal);
  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  await pause(Math.min(WARM_UP_SECONDS, SECONDS / 2));
  const before = await heap();
  // Collecting garbage is a task of the measurement.
  await page.evaluate(() => {
    globalThis.longest = 0;
    globalThis.frames.length = 0;
  });
  await pause(SECONDS - Math.min(WARM_UP_SECONDS, SECONDS / 2));
  const { longest, frames } = await page.evaluate(() => ({ longest: globalThis.longest, frames: globalThis.frames }));
  const gaps = frames.slice(1).map((at, index) => at - frames[index]).sort((a, b) => a - b);
  const after = await heap();
  ending.abort();
  const pace = await loading;
  await page.context().close();
  report(`${path}: shortfall of the events a second`, EVENTS_PER_SECOND - pace, "", 50);
  report(`${path}: longest block of the main thread`, longest, "ms", 100);
  report(`${path}: time between frames, median`, median(gaps), "ms");
  report(`${path}: time between frames, 99 of 100 under`, gaps[Math.floor(gaps.length * 0.99)], "ms");
  report(`${path}: heap after the warm-up`, before, "MB");
  report(`${path}: growth of the heap from there`, after - before, "MB", Math.max(3, before / 10));
}

const server = await startServer("serve");
const browser = await launchBrowser();
try {
  const api = new Api(server);
  await inParallel(207, (index) => api.createAgent({ name: `bench-${index}` }));
  await measureStart(browser, server);
  await measureNews(browser, server, api);
  await inParallel(AGENTS - 207, (index) => api.createAgent({ name: `bench-${index + 207}` }));
  // All of them were active before: what a page knows of an agent does not grow from here.
  await inParallel(AGENTS / 1_000, (index) => api.recordEvents(agentsFrom(index * 1_000, 1_000).map(operationOf)));
  await inParallel(AGENTS / 1_000, (index) => api.recordMetrics(agentsFrom(index * 1_000, 1_000).map(metricOf)));
  console.log(`${AGENTS} agents, ${EVENTS_PER_SECOND} events/s, ${SECONDS} s a page`);
  for (const path of LOADED) await measureLoad(browser, server, api, path);
} finally {
  await browser.close();
  await server.close();
}
if (failures.length > 0) {
  console.error(`broken: ${failures.join("; ")}`);
  process.exitCode = 1;
}
