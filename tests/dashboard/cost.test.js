// The page of cost and usage tells what was posted.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer, testServer } from "./server.js";
import { figure, names, rows } from "./shown.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, settled, streaming } from "./wait.js";

const HOUR = 3_600_000;
const HOSTILE = '<img src=x onerror="alert(1)">\u202e=SUM(A1)';

let server, changing, browser, api, dear, cheap;
before(async () => {
  browser = await launchBrowser();
  server = await startServer();
  changing = await startServer(); // for the tests that post
  api = new Api(server);
  dear = await api.createAgent({ name: "dear", role: "reviewer", budget_max_cost_per_day: 1 });
  cheap = await api.createAgent({ name: "cheap", role: HOSTILE });
  const used = (agent, hoursAgo, fields) => ({
    agent_id: agent.agent_id, metric_type: "execution", success: true,
    recorded_at: new Date(Date.now() - hoursAgo * HOUR).toISOString(), ...fields,
  });
  await api.recordMetrics([
    used(dear, 0, { cost_usd: 1.25, tokens_used: 1_000, execution_time_ms: 100 }),
    used(dear, 0, { cost_usd: 1.25, tokens_used: 1_000, execution_time_ms: 100, success: false }),
    used(dear, 3, { cost_usd: 1.25, tokens_used: 1_000, execution_time_ms: 100 }),
    used(cheap, 0, { cost_usd: 0.5, tokens_used: 9_000, metric_type: "review" }),
    used(dear, 30, { cost_usd: 2, tokens_used: 70 }),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.close();
  await changing?.close();
});

async function open(t, path = "", options = {}) {
  const page = await testPage(t, browser, server, options);
  page.on("dialog", () => assert.fail("what an agent sent ran as a script"));
  await page.goto(`/dashboard/cost${path}`);
  await settled(page);
  return page;
}

test("the figures are those that were posted", async (t) => {
  const page = await open(t);
  assert.match(await figure(page, "Spend, last 24 hours"), /USD 4\.25\n.*\+113 % against the 24 hours before/);
  assert.match(await figure(page, "Tokens"), /\n12K\n/);
  assert.match(await figure(page, "Calls"), /\n4\n/);
  assert.match(await figure(page, "Error rate"), /\n25 %\n.*1 of 4 calls failed/);
  assert.match(await figure(page, "Projection"), /not enough days/);
  assert.deepEqual(await rows(page), [
    ["dear", "3.75", "88 %", "+88 %", "3K", "3", "1", "100 ms", "100 ms"],
    ["cheap", "0.50", "12 %", "new", "9K", "1", "0", "–", "–"],
  ]);
  const link = page.locator("[role=grid]").getByRole("link", { name: "dear" });
  assert.equal(await link.getAttribute("href"), `/dashboard/agents/${dear.agent_id}`);
});

test("what is told apart is in the address", async (t) => {
  const page = await open(t);
  const choice = page.getByRole("group", { name: "Usage by" });
  await choice.getByRole("button", { name: "type" }).click();
  await page.locator("[role=grid]").getByText("review", { exact: true }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("by"), "type");
  assert.deepEqual(await names(page), ["execution", "review"]);
  await page.reload();
  await settled(page);
  assert.deepEqual(await names(page), ["execution", "review"]);
});

test("another range shows other figures, and the groups say what they cover", async (t) => {
  const page = await open(t);
  await page.getByRole("group", { name: "Time range" }).getByRole("button", { name: "1h" }).click();
  await page.locator(".figure", { hasText: "Spend, last 1 hour" }).getByText("USD 3.00").waitFor();
  assert.match(await figure(page, "Spend, last 1 hour"), /nothing in the 1 hour before/);
  await page.getByText("Last 24 hours, by the hour: groups are not told for less than that").first().waitFor();
  await page.getByRole("group", { name: "Time range" }).getByRole("button", { name: "7d" }).click();
  await page.locator(".figure", { hasText: "Spend, last 7 days" }).getByText("USD 6.25").waitFor();
});

test("a range between two moments shows what was between them", async (t) => {
  const moment = (hoursAgo) => new Date(Date.now() - hoursAgo * HOUR).toISOString();
  const page = await open(t, `?from=${moment(4)}&to=${moment(2)}`);
  assert.match(await figure(page, "Spend, "), /USD 1\.25\n.*nothing in the equally long time before/);
});

test("the table sorts by every column, and the sort is in the address", async (t) => {
  const page = await open(t);
  await page.getByRole("columnheader", { name: "Tokens" }).getByRole("button").click();
  await page.getByRole("columnheader", { name: "Tokens" }).and(page.locator("[aria-sort=descending]")).waitFor();
  assert.deepEqual(await names(page), ["cheap", "dear"]);
  assert.equal(new URL(page.url()).searchParams.get("sort"), "-tokens");
});

test("a chart's figures are a table, with its gaps", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: "Latency percentiles: figures as a table" }).click();
  const table = page.getByRole("region", { name: "Latency percentiles, figures" });
  const lines = await table.locator("tbody tr").allInnerTexts();
  assert.equal(lines.length, 24);
  assert.equal(lines.filter((line) => line.includes("no data")).length, 22);
  assert.equal(lines.filter((line) => /100 ms\s+100 ms\s+100 ms/.test(line)).length, 2);
});

test("the crosshair says the values of all charts at once", async (t) => {
  const page = await open(t);
  const chart = page.locator(".chart-plot .u-over").first();
  const { width, height } = await chart.boundingBox();
  await chart.hover({ position: { x: width - 2, y: height / 2 } });
  await page.locator(".chart-tip").nth(3).waitFor();
  assert.match(await page.locator(".chart-tip").first().innerText(), /dear\s+2\.50\s+cheap\s+0\.50\s+All\s+3\.00/);
  assert.match(await page.locator(".chart-tip").nth(3).innerText(), /Failed calls\s+33 %/);
});

async function downloaded(page, button) {
  const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}

test("the table is exported as it is sorted, and no cell of it runs in a spreadsheet", async (t) => {
  const page = await open(t, "?by=role");
  const { name, text } = await downloaded(page, page.getByRole("button", { name: "Export CSV" }));
  assert.equal(name, "usage-by-role-24h.csv");
  const [head, first, second] = text.split("\r\n");
  assert.equal(head, 'Role,"Cost, USD",Share,Change,Tokens,Calls,Failed,Average,p95');
  assert.match(first, /^reviewer,3\.75,0\.882\d*,0\.875,3000,3,1,100,100$/);
  assert.ok(second.startsWith(`"${HOSTILE.replaceAll('"', '""')}",0.5,`), second);
});

test("a chart is exported with every step", async (t) => {
  const page = await open(t);
  const { text } = await downloaded(page, page.getByRole("button", { name: "Spend by agent, USD: download as CSV" }));
  const lines = text.trim().split("\r\n");
  assert.equal(lines[0], "time,dear,cheap");
  assert.equal(lines.length, 25);
  assert.match(lines.at(-1), /Z,2\.5,0\.5$/);
});

test("an exceeded budget is said in words", async (t) => {
  const page = await open(t);
  const line = page.getByRole("region", { name: "Budgets today" }).locator("li", { hasText: "dear" });
  assert.match(await line.innerText(), /USD [\d.]+ of USD 1\.00, exceeded/);
  assert.equal(await line.getByRole("link").getAttribute("href"), `/dashboard/agents/${dear.agent_id}`);
});

test("a metric that is posted moves the spend at once", async (t) => {
  const other = new Api(changing);
  const { agent_id } = await other.createAgent();
  const page = await testPage(t, browser, changing);
  await Promise.all([streaming(page), page.goto("/dashboard/cost")]);
  await settled(page);
  await other.recordMetric(agent_id, { cost_usd: 1.11, execution_time_ms: 5 });
  await page.locator("[role=grid]").getByText("1.11").waitFor();
  await settled(page);
  const latency = await page.getByRole("figure", { name: "Latency percentiles" }).locator("canvas").elementHandle();
  let spent = 1.11;
  const post = (cost_usd) => {
    spent += cost_usd;
    return other.recordMetric(agent_id, { cost_usd });
  };
  const postOne = (attempt) => delayUntilShown(page, ".figure", `USD ${attempt + 2}.11`, () => post(1));
  await assertPrompt(postOne, { attempts: 3 }); // so many events are followed without a wait
  await post(8.88 - spent);
  await page.locator(".figure", { hasText: "Spend, last 24 hours" }).getByText("USD 8.88").waitFor();
  await page.locator("[role=grid]").getByText("8.88").waitFor();
  assert.ok(await latency.evaluate((canvas) => canvas.isConnected), "a chart was drawn anew, not moved on");
});

test("an empty page tells the command that fills it", async (t) => {
  const empty = await testServer(t);
  await new Api(empty).createAgent({ name: "first" });
  const page = await testPage(t, browser, empty);
  await page.goto("/dashboard/cost");
  const command = await page.locator("pre.command").innerText();
  const [, url, body] = /^curl (\S+) -H 'Content-Type: application\/json' -d '(.*)'$/.exec(command);
  await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await page.locator("[role=grid]").getByText("first").waitFor();
  await page.locator(".figure", { hasText: "Spend today" }).getByText("USD 0.0042").waitFor();
});

test("what was spent in another currency is not added up, and that is said", async (t) => {
  const mixed = await testServer(t);
  const page = await testPage(t, browser, mixed);
  const other = new Api(mixed);
  for (const [currency, cost_usd] of [["USD", 1], ["EUR", 5]]) {
    const { agent_id } = await other.createAgent({ budget_currency: currency, budget_max_cost_per_day: 10 });
    await other.recordMetric(agent_id, { cost_usd });
  }
  await page.goto("/dashboard/cost");
  await settled(page);
  assert.match(await figure(page, "Spend today"), /USD 1\.00\n10 % of USD 10\.00 · 1 with another currency left out/);
});

test("a table of more groups than are told says which they are", async (t) => {
  const page = await testPage(t, browser, server);
  await page.route(/metrics\/breakdown/, async (route) => {
    const answer = await (await route.fetch()).json();
    const groups = Array.from({ length: 1_000 }, (_, index) => ({ ...answer.groups[0], key: `k${index}` }));
    await route.fulfill({ json: { ...answer, groups } });
  });
  await page.goto("/dashboard/cost");
  await page.getByText("the 1,000 that cost most").waitFor();
});

test("the month is projected from its days, and how is said", async (t) => {
  const steady = await testServer(t);
  const other = new Api(steady);
  const { agent_id } = await other.createAgent();
  const today = Math.floor(Date.now() / (24 * HOUR)) * 24 * HOUR;
  await other.recordMetrics(Array.from({ length: 20 }, (_, day) => ({
    agent_id, metric_type: "cost", cost_usd: 10, recorded_at: new Date(today - (day + 0.5) * 24 * HOUR).toISOString(),
  })));
  const page = await testPage(t, browser, steady);
  await page.goto("/dashboard/cost");
  await settled(page);
  const date = new Date(today);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const ahead = days - date.getUTCDate() + 1;
  const expected = `USD ${10 * (Math.min(date.getUTCDate() - 1, 20) + ahead)}.00`;
  assert.ok((await figure(page, "Projection")).includes(`\n${expected}\n${expected} to ${expected}`));
  await page.getByText(`${ahead} from today on at USD 10.00 each, the mean of the last 14 whole days`).waitFor();
});

test("hostile text is text, and the page keeps within a narrow window", async (t) => {
  const page = await open(t, "?by=role", { viewport: { width: 360, height: 800 } });
  await page.locator("[role=grid]").getByText(HOSTILE).waitFor();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `the page is ${width} px wide`);
});

test("the page is accessible", async (t) => {
  const page = await open(t);
  await assertAccessible(page);
});

const limits = (page) => page.getByRole("region", { name: "Budgets of the fleet and its categories" });
const limitOf = (page, name) => limits(page).getByRole("listitem").filter({ hasText: name });

test("the fleet's budget is limited, raised, reset, paused and resumed where it is shown", async (t) => {
  const own = await testServer(t);
  const client = new Api(own);
  const { agent_id } = await client.createAgent({ name: "coder", metadata_category: "foundry" });
  await client.recordMetric(agent_id, { cost_usd: 4 });
  const page = await testPage(t, browser, own, { allow: [/status of 500/] });
  await Promise.all([streaming(page), page.goto("/dashboard/cost")]);
  await settled(page);
  const fleet = limitOf(page, "The whole fleet");
  const choose = async (act) => {
    await fleet.getByText("Change").click();
    await fleet.getByRole("button", { name: act, exact: true }).click();
  };
  const budget = () => client.get("/api/v1/budgets/fleet");
  await fleet.getByText("USD 4.00 used, no limit").waitFor();
  await fleet.getByText("Change").click();
  assert.equal(await fleet.getByRole("button", { name: "Raise for today" }).count(), 0, "without a limit there is nothing to raise");
  await page.keyboard.press("Escape");

  await choose("Set the limit");
  await page.keyboard.type("much");
  await page.keyboard.press("Enter");
  await fleet.getByText("is no amount in USD").waitFor();
  await fleet.getByRole("textbox").fill("10");
  await assertAccessible(page);
  await page.keyboard.press("Enter");
  await fleet.getByText("USD 4.00 of USD 10.00 used · USD 6.00 left").waitFor();
  await fleet.getByRole("form").waitFor({ state: "detached" });
  assert.ok(await fleet.locator("summary").evaluate((element) => element === document.activeElement), "the focus is back");

  let isBroken = true;
  await page.route("**/fleet/raise", (route) => (isBroken
    ? route.fulfill({ status: 500, headers: { "X-Request-Id": "abc123" }, json: { detail: "The disk is full" } }) : route.fallback()));
  await choose("Raise for today");
  await page.keyboard.type("2,5");
  await page.keyboard.press("Enter");
  await fleet.getByRole("alert").getByText("The disk is full Request abc123").waitFor();
  isBroken = false;
  await fleet.getByRole("button", { name: "Try again" }).click();
  await fleet.getByText("USD 4.00 of USD 12.50 used · USD 8.50 left · raised by USD 2.50 today").waitFor();
  assert.equal((await budget()).raised, 2.5);

  await client.decide("coder", { tool: "Read", path: "src/a.rs", command: undefined, estimated_cost_usd: 1.5 });
  await fleet.getByText("USD 1.50 reserved · USD 7.00 left").waitFor();
  await choose("Reset for today");
  await fleet.getByText("The USD 4.00 used today count no longer.").waitFor();
  await fleet.getByRole("button", { name: "Reset", exact: true }).click();
  await fleet.getByText("USD 0.00 of USD 12.50 used").waitFor();
  await choose("Pause");
  await fleet.getByRole("button", { name: "Pause all spending" }).click();
  await fleet.getByText("paused: nothing is allowed").waitFor();
  assert.equal((await budget()).paused, true);
  await choose("Resume");
  await fleet.getByRole("button", { name: "Resume", exact: true }).last().click();
  await fleet.getByText("paused: nothing is allowed").waitFor({ state: "detached" });
  assert.equal((await budget()).paused, false);

  await client.request("PUT", "/api/v1/budgets/category:foundry", { max_cost_per_day: 5 });
  await limitOf(page, "foundry").getByText("USD 4.00 of USD 5.00 used · USD 1.50 reserved · USD 0.00 left").waitFor();
  await limitOf(page, "foundry").getByText("exceeded").waitFor();
});
