// The audit page: what it lists is what the API lists, however it is narrowed, paged, opened or taken away as a file.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer, testServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, settled, streaming } from "./wait.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RECORDS = 300;
const REASONS = ["path is out of scope", "Write is denied to it", "above its limit; ask"];

let server, browser, api, author, reviewer;
before(async () => {
  server = await startServer("serve");
  browser = await launchBrowser();
  api = new Api(server);
  author = await api.createAgent({ name: "author" });
  reviewer = await api.createAgent({ name: "reviewer", role: "reviewer" });
  await api.recordEvents(Array.from({ length: RECORDS }, (_, index) => recordOf(index)));
});
after(async () => {
  await browser?.close();
  await server?.close();
});

// Of the last twenty hours, oldest first; no two filters choose the same records.
function recordOf(index) {
  const agent = [author, reviewer][index % 7];
  const decision = ["allowed", "allowed", "denied", "allowed", "requires_approval"][index % 5];
  return {
    ...(agent ? { agent_id: agent.agent_id } : { agent_name: "stranger" }),
    agent_role: agent?.role ?? "visitor",
    operation_type: ["tool_use", "api_call", "file_access"][index % 3],
    operation_detail: "Write",
    target_resource: index % 11 === 0 ? "secrets/key.pem" : `src/file_${index}.rs`,
    target_type: "file",
    rbac_decision: decision,
    rbac_reason: decision === "allowed" ? "in scope" : REASONS[index % REASONS.length],
    session_id: `session-${index % 13}`,
    timestamp: new Date(Date.now() - (RECORDS - index) * 4 * MINUTE).toISOString(),
  };
}

const listed = (filters = {}) =>
  api.get(`/api/v1/events/audit?${new URLSearchParams({ limit: 1_000, start_date: dayAgo(), ...filters })}`);
const dayAgo = () => new Date(Date.now() - 24 * HOUR).toISOString();
const grid = (page) => page.getByRole("grid", { name: "Audit records, newest first" });
const drawer = (page) => page.getByRole("complementary");

// Waits until the page lists just these records: their count, and those that are in view.
async function shows(page, records) {
  const start = new RegExp(`^${records.length} records? `);
  await page.locator("main").getByText(start).first().waitFor();
  await page.waitForFunction(([count, first]) => {
    const rows = [...document.querySelectorAll("#table-audit .grid-body [role=row]")];
    rows.sort((a, b) => Number(a.ariaRowIndex) - Number(b.ariaRowIndex));
    const shown = rows.slice(0, first.length).map((row) => Number(row.firstElementChild.textContent));
    return rows.length >= Math.min(count, first.length) && JSON.stringify(shown) === JSON.stringify(first);
  }, [records.length, records.slice(0, 12).map(({ seq }) => seq)]);
}

const FILTERS = [
  { name: "q", value: "KEY.pem", set: (page) => page.getByLabel("Search in all members").fill("KEY.pem") },
  { name: "agent_id", value: () => author.agent_id, set: (page) => exact(page, "Agent", "author") },
  { name: "agent_id", value: "stranger", set: (page) => exact(page, "Agent", "stranger") },
  { name: "session_id", value: "session-5", set: (page) => exact(page, "Session", "session-5") },
  { name: "reason", value: REASONS[2], set: (page) => exact(page, "Reason", REASONS[2]) },
  { name: "operation_type", value: "api_call", set: (page) => choose(page, "Operation", "api_call") },
  { name: "rbac_decision", value: "requires_approval", set: (page) => choose(page, "Decision", "requires_approval") },
  { name: "agent_role", value: "visitor", set: (page) => choose(page, "Role", "visitor") },
];
async function exact(page, label, text) {
  await page.getByRole("search").getByLabel(label, { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}
const choose = (page, label, value) => page.getByRole("search").getByLabel(label).selectOption(value);

for (const { name, value, set } of FILTERS) {
  const told = typeof value === "string" ? ` by ${value}` : "";
  test(`the filter ${name}${told} narrows the list as the API does`, async (t) => {
    const page = await testPage(t, browser, server);
    await page.goto("/dashboard/audit");
    const all = await listed();
    await shows(page, all);
    await set(page);
    const wanted = typeof value === "function" ? value() : value;
    const narrowed = await listed({ [name]: wanted });
    assert.ok(narrowed.length > 0 && narrowed.length < all.length);
    await shows(page, narrowed);
    assert.equal(new URL(page.url()).searchParams.get(name), wanted);
    await page.reload();
    await shows(page, narrowed);
    await page.getByRole("button", { name: /^Remove the filter/ }).click();
    await shows(page, all);
  });
}

test("filters and dates hold together", async (t) => {
  const page = await testPage(t, browser, server);
  const [from, to] = [new Date(Date.now() - 9 * HOUR).toISOString(), new Date(Date.now() - 4 * HOUR).toISOString()];
  const filters = { agent_role: "visitor", rbac_decision: "denied" };
  await page.goto(`/dashboard/audit?${new URLSearchParams({ from, to, ...filters })}`);
  const records = await listed({ start_date: from, end_date: to, ...filters });
  assert.ok(records.length > 2);
  await shows(page, records);
});

test("scrolling reads page after page to the oldest record, by cursors", async (t) => {
  const page = await testPage(t, browser, server);
  const asked = [];
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname === "/api/v1/events/audit") asked.push(searchParams);
  });
  await page.goto("/dashboard/audit");
  const all = await listed();
  assert.ok(all.length >= RECORDS);
  await shows(page, all);
  for (let read = 100; read < all.length; read += 100) {
    await grid(page).evaluate((element) => { element.scrollTop = element.scrollHeight; });
    const rows = Math.min(read + 100, all.length);
    await page.locator(`#table-audit[aria-rowcount="${rows + 1}"]`).waitFor();
  }
  await grid(page).focus();
  await page.keyboard.press("End");
  await page.locator(`#table-audit [aria-rowindex="${all.length + 1}"]`)
    .getByRole("gridcell", { name: String(all.at(-1).seq), exact: true }).waitFor();
  const pages = asked.filter((parameters) => Number(parameters.get("limit")) > 1);
  assert.ok(pages.slice(1).every((parameters) => parameters.has("cursor") && !parameters.has("skip")));
});

test("a record opens by its address, with its JSON to copy, and steps through the list and the log", async (t) => {
  const page = await testPage(t, browser, server, { permissions: ["clipboard-read", "clipboard-write"] });
  const all = await listed({ session_id: "session-5" });
  const record = all[3];
  await page.goto(`/dashboard/audit?session_id=session-5&record=${record.seq}`);
  await shows(page, all);
  const panel = drawer(page);
  await panel.getByRole("heading", { name: `Record ${record.seq}` }).waitFor();
  await panel.getByText(record.hash, { exact: true }).waitFor();
  await panel.getByRole("button", { name: "Copy JSON" }).click();
  await panel.getByRole("button", { name: "Copied" }).waitFor();
  assert.deepEqual(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())), record);
  const near = panel.getByRole("region", { name: "In its session" }).getByRole("listitem");
  await near.filter({ hasText: all[2].target.resource }).waitFor();
  await near.filter({ hasText: all[4].target.resource }).waitFor();
  await assertAccessible(page);

  await panel.getByRole("button", { name: "Next" }).click();
  await panel.getByRole("heading", { name: `Record ${all[4].seq}` }).waitFor();
  await page.keyboard.press("ArrowUp");
  await panel.getByRole("heading", { name: `Record ${record.seq}` }).waitFor();
  await panel.getByRole("link", { name: `Record ${record.seq - 1}` }).click();
  await panel.getByRole("heading", { name: `Record ${record.seq - 1}` }).waitFor();
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).searchParams.get("record"), null);
});

test("a row opens its record, which leads to its agent and narrows to its session", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto(`/dashboard/audit?agent_id=${author.agent_id}`);
  const [, record] = await listed({ agent_id: author.agent_id });
  await grid(page).getByRole("gridcell", { name: String(record.seq), exact: true }).click();
  const panel = drawer(page);
  const agent = panel.getByRole("link", { name: "author", exact: true });
  assert.equal(await agent.getAttribute("href"), `/dashboard/agents/${author.agent_id}`);
  await panel.getByRole("link", { name: "only this session" }).click();
  await shows(page, await listed({ agent_id: author.agent_id, session_id: record.session_id }));
});

test("a record that is not there is told in words", async (t) => {
  const page = await testPage(t, browser, server, { allow: [/status of 404/] });
  await page.goto("/dashboard/audit?record=987654321");
  await drawer(page).getByRole("alert").filter({ hasText: "987654321" }).waitFor();
});

test("a reason and an agent of the refusals filter the list, and let go of it", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto("/dashboard/audit");
  const refused = (await listed()).filter(({ rbac }) => rbac.decision !== "allowed");
  const because = refused.filter(({ rbac }) => rbac.reason === REASONS[0]);
  const reasons = page.getByRole("region", { name: "Refusals by reason" });
  const bar = reasons.getByRole("link", { name: REASONS[0] });
  await bar.filter({ hasText: new RegExp(`${because.length}$`) }).click();
  await shows(page, because);
  assert.equal(new URL(page.url()).searchParams.get("reason"), REASONS[0]);
  await bar.click();
  await shows(page, await listed());
  await page.getByRole("region", { name: "Refusals by agent" }).getByRole("link", { name: "author" }).click();
  await shows(page, await listed({ agent_id: author.agent_id }));
});

for (const timezoneId of ["UTC", "Asia/Kolkata"]) {
  test(`a cell of the heat map sets the range to its hour in ${timezoneId}`, async (t) => {
    const page = await testPage(t, browser, server, { timezoneId });
    await page.goto("/dashboard/audit");
    const start = Math.floor((Date.now() - 6 * HOUR) / HOUR) * HOUR;
    const [from, to] = [start, start + HOUR].map((time) => new Date(time).toISOString());
    const records = await listed({ start_date: from, end_date: to });
    assert.ok(records.length > 10);
    const clock = new Intl.DateTimeFormat("en-US", {
      day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: timezoneId,
    });
    const name = `${clock.format(start)} – ${clock.format(start + HOUR)}: ${records.length} operations`;
    await page.getByRole("grid", { name: "Operations by day and hour" }).getByRole("link", { name }).click();
    await shows(page, records);
    const { searchParams } = new URL(page.url());
    assert.deepEqual([searchParams.get("from"), searchParams.get("to")], [from, to]);
  });
}

test("the heat map is walked by keyboard and shows its figures", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto("/dashboard/audit");
  const map = page.getByRole("grid", { name: "Operations by day and hour" });
  await map.locator("a[tabindex='0']").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  const midnight = new Date().setUTCHours(0, 0, 0, 0) - 24 * HOUR;
  const focused = page.locator(":focus");
  const href = await focused.getAttribute("href");
  assert.equal(new URL(href, server.url).searchParams.get("from"), new Date(midnight + HOUR).toISOString());
  await page.getByRole("button", { name: "Operations by day and hour: figures as a table" }).click();
  const { points } = await api.get(`/api/v1/events/audit/timeline?period=24h&step=hour`);
  const busy = points.filter(({ operations }) => operations > 0).at(-2);
  const from = encodeURIComponent(new Date(busy.timestamp).toISOString());
  const cell = map.locator(`a[href*="from=${from}"]`);
  assert.equal((await cell.textContent()).trim(), String(busy.operations));
  await page.keyboard.press("Tab");
  await assertAccessible(page);
});

for (const format of ["csv", "ndjson"]) {
  test(`the export as ${format} holds what is filtered and nothing else`, async (t) => {
    const page = await testPage(t, browser, server);
    await page.goto("/dashboard/audit?agent_role=visitor&reason=path+is+out+of+scope");
    const records = await listed({ agent_role: "visitor", reason: REASONS[0] });
    await shows(page, records);
    const link = page.getByRole("link", { name: format.toUpperCase(), exact: true });
    const [file] = await Promise.all([page.waitForEvent("download"), link.click()]);
    const lines = (await readFile(await file.path(), "utf8")).trim().split(/\r?\n/);
    const seqs = format === "csv"
      ? lines.slice(1).map((line) => Number(line.split(",")[1]))
      : lines.map((line) => JSON.parse(line).seq);
    assert.deepEqual(seqs.sort((a, b) => b - a), records.map(({ seq }) => seq));
  });
}

test("news is counted at once and waits to be asked for", async (t) => {
  const page = await testPage(t, browser, server);
  await Promise.all([streaming(page), page.goto("/dashboard/audit?operation_type=api_call")]);
  const earlier = await listed({ operation_type: "api_call" });
  await shows(page, earlier);
  await api.recordEvent("passer-by", { operation_type: "tool_use" });
  const arrive = () => api.recordEvent("newcomer", { operation_type: "api_call" });
  let arrived = 0;
  await assertPrompt(() => {
    arrived += 1;
    return delayUntilShown(page, "main button", `${arrived} new`, arrive);
  });
  await shows(page, earlier);
  await page.getByRole("button", { name: `${arrived} new`, exact: true }).click();
  const now = await listed({ operation_type: "api_call" });
  assert.equal(now[0].agent.agent_id, "newcomer");
  await shows(page, now);
  await page.getByRole("button", { name: /new$/ }).waitFor({ state: "detached" });
});

test("agents are suggested whatever the case, and a longer range says what is shown of it by the hour", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto("/dashboard/audit?range=90d");
  await page.getByRole("region", { name: "Operations by hour" }).getByText("only the last 30 days").waitFor();
  await page.getByRole("search").getByLabel("Agent", { exact: true }).fill("AUTH");
  await page.locator('datalist option[value="author"]').waitFor({ state: "attached" });
});

test("a range up to now moves on: its counts at once, a list when it is shown again", async (t) => {
  const page = await testPage(t, browser, server);
  const asked = (path, start) => page.waitForRequest((request) => {
    const { pathname, searchParams } = new URL(request.url());
    return pathname === path && Date.parse(searchParams.get("start_date")) > start && !searchParams.has("agent_id");
  });
  const opened = Date.now();
  await page.goto("/dashboard/audit?range=1h");
  await settled(page);
  const counted = ["stats", "refusals"].map((name) => asked(`/api/v1/events/audit/${name}`, opened - HOUR));
  await page.clock.setFixedTime(opened + 10 * MINUTE);
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // the clock looks again
  await Promise.all(counted);
  await exact(page, "Agent", "author");
  const listed = asked("/api/v1/events/audit", opened - HOUR);
  await page.getByRole("button", { name: "Remove the filter Agent" }).click();
  await listed;
});

test("an empty list fills by itself, but is not read again for each record", async (t) => {
  const page = await testPage(t, browser, server);
  let reads = 0;
  page.on("request", (request) => { reads += /audit\?.*limit=100\b/.test(request.url()) ? 1 : 0; });
  await Promise.all([streaming(page), page.goto("/dashboard/audit?q=odd&operation_type=api_call&agent_id=rarely")]);
  await page.getByText("No record matches all of this.").waitFor();
  // As if what arrives did not match for the server.
  await page.route(/audit\?.*limit=100\b/, (route) => route.fulfill({ json: [], headers: { "X-Total-Count": "0" } }));
  const arrive = () => api.recordEvent("rarely", { operation_type: "api_call", operation_detail: "odd" });
  const [before, start] = [reads, Date.now()];
  await Promise.all([page.waitForRequest(/audit\?.*limit=100\b/), arrive()]);
  for (let count = 0; count < 5; count += 1) {
    await arrive();
    await settled(page);
  }
  const most = 1 + Math.ceil((Date.now() - start) / 2_000);
  assert.ok(reads - before <= most, `it was read ${reads - before} times`);
  await page.unroute(/audit\?.*limit=100\b/);
  await arrive();
  await shows(page, await listed({ q: "odd", operation_type: "api_call", agent_id: "rarely" }));
});

test("what happened in a session is told only where there is one, also when much followed", async (t) => {
  const page = await testPage(t, browser, server);
  const at = (minutes) => new Date(Date.now() - minutes * MINUTE).toISOString();
  const first = await api.recordEvent("stranger", { session_id: "endless", timestamp: at(8) });
  await api.recordEvents(Array.from({ length: 201 }, () => ({ agent_name: "stranger", operation_type: "tool_use",
    session_id: "endless", timestamp: at(6) })));
  await page.goto(`/dashboard/audit?range=15m&record=${first.seq}`);
  const panel = drawer(page).getByRole("region", { name: "In its session" });
  await panel.getByText("More followed").waitFor();
  const { seq } = await api.recordEvent("stranger", { session_id: undefined });
  const reads = [];
  page.on("request", (request) => { if (request.url().includes("session_id=unknown")) reads.push(request.url()); });
  await page.goto(`/dashboard/audit?range=15m&record=${seq}`);
  await panel.getByText("No session was told with it.").waitFor();
  await settled(page);
  assert.deepEqual(reads, []);
});

test("what agents write is text and nothing else, at any width", async (t) => {
  const hostile = `<img src=x onerror=alert(1)>\u202e"'&\u0007${"W".repeat(2_000)}`;
  const short = hostile.slice(0, 100);
  const { session_id, seq } = await api.recordEvent(undefined, {
    agent_name: short, agent_role: short, operation_type: short, session_id: short, operation_detail: hostile,
    target_resource: hostile, rbac_decision: "denied", rbac_reason: hostile, context: { [hostile]: hostile },
  });
  const page = await testPage(t, browser, server);
  page.on("dialog", () => assert.fail("a script of an agent runs"));
  for (const width of [1440, 390, 360]) {
    await page.setViewportSize({ width, height: 844 });
    await page.goto(`/dashboard/audit?${new URLSearchParams({ session_id, reason: hostile, record: seq })}`);
    await drawer(page).getByText("<img src=x onerror=alert(1)>").first().waitFor();
    await settled(page);
    assert.equal(await page.locator("main img").count(), 0);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `the page is ${wide} wide at ${width}`);
  }
});

test("where nothing matches, it says which filter to drop", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto("/dashboard/audit?agent_role=visitor&q=nowhere");
  const visitors = await listed({ agent_role: "visitor" });
  const advice = page.getByRole("link", { name: "Drop text nowhere" });
  await page.getByRole("listitem").filter({ has: advice }).getByText(`${visitors.length} records`).waitFor();
  await advice.click();
  await shows(page, visitors);
});

test("where nothing was recorded, it says how to, and shows it when it was", async (t) => {
  const empty = await testServer(t);
  const page = await testPage(t, browser, empty);
  await Promise.all([streaming(page), page.goto("/dashboard/audit")]);
  const command = await page.getByText(/^curl /).textContent();
  const [, url, body] = /^curl (\S+) .* -d '(.*)'$/.exec(command);
  await new Api(empty).request("POST", url, JSON.parse(body));
  await grid(page).getByRole("gridcell", { name: "coder" }).waitFor();
});

test("a list that cannot be read says so where it is, and is read again on demand", async (t) => {
  const page = await testPage(t, browser, server, { allow: [/failed request|ERR_FAILED/] });
  const isList = ({ pathname, searchParams }) => pathname === "/api/v1/events/audit" && searchParams.has("limit");
  await page.route(isList, (route) => route.abort("failed"));
  await page.goto("/dashboard/audit?session_id=session-3");
  const panel = page.getByRole("region", { name: "Records" });
  await panel.getByRole("alert").filter({ hasText: "cannot be reached" }).waitFor();
  await page.getByText("Not counted").waitFor();
  await page.unroute(isList);
  await panel.getByRole("button", { name: "Try again" }).click();
  await shows(page, await listed({ session_id: "session-3" }));
});
