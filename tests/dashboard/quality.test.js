// The page of quality tells how good the work is that was posted.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer } from "./server.js";
import { figure, names, rows } from "./shown.js";
import { after, before, test } from "./testing.js";
import { settled, streaming } from "./wait.js";

const HOUR = 3_600_000;
const HOSTILE = '<b onmouseover="alert(1)">\u202ebold</b>';

let server, changing, browser, api;
const agents = {};
before(async () => {
  browser = await launchBrowser();
  server = await startServer();
  changing = await startServer(); // for the tests that post
  api = new Api(server);
  const scores = { // before, now, violations now
    worse: [0.95, 0.65, 4], worst: [0.9, 0.3, 7], better: [0.5, 0.85, 0], steady: [0.8, 0.805, 1],
    newcomer: [null, 0.95, 0],
  };
  const records = [];
  for (const [name, [former, now, code_violations]] of Object.entries(scores)) {
    const { agent_id } = await api.createAgent({ name, role: name === "steady" ? HOSTILE : "developer" });
    agents[name] = agent_id;
    const scored = (hoursAgo, quality_score, fields) => records.push({
      agent_id, metric_type: "quality", quality_score, ...fields,
      recorded_at: new Date(Date.now() - hoursAgo * HOUR).toISOString(),
    });
    if (former !== null) scored(36, former);
    scored(0, now, { code_violations });
  }
  await api.recordMetrics(records);
});
after(async () => {
  await browser?.close();
  await server?.close();
  await changing?.close();
});

async function open(t, path = "", options = {}) {
  const page = await testPage(t, browser, server, options);
  page.on("dialog", () => assert.fail("what an agent sent ran as a script"));
  await page.goto(`/dashboard/quality${path}`);
  await settled(page);
  return page;
}

test("the figures are those that were posted", async (t) => {
  const page = await open(t);
  assert.match(await figure(page, /^Score$/), /71\.1\s+C\s+down 7\.6 points against the 24 hours before/);
  assert.match(await figure(page, "Agents scored"), /\n5\n5 records/);
  assert.match(await figure(page, "Grade A or B"), /\n60 %\n/);
  assert.match(await figure(page, "Worse / better"), /\n2 \/ 1\n/);
  assert.match(await figure(page, "Violations"), /\n12\n/);
});

test("the table tells of each agent, the lowest score first", async (t) => {
  const page = await open(t);
  assert.deepEqual((await rows(page)).map((cells) => cells.slice(0, 6)), [
    ["worst", "developer", "30.0", "F", "−60.0", "7"],
    ["worse", "developer", "65.0", "D", "−30.0", "4"],
    ["steady", HOSTILE, "80.5", "B", "+0.5", "1"],
    ["better", "developer", "85.0", "B", "+35.0", "0"],
    ["newcomer", "developer", "95.0", "A", "–", "0"],
  ]);
  await page.getByRole("columnheader", { name: "Change" }).getByRole("button").click();
  await page.locator("[aria-sort=descending]").waitFor();
  assert.deepEqual(await names(page), ["better", "steady", "worse", "worst", "newcomer"]);
  assert.equal(new URL(page.url()).searchParams.get("sort"), "-change");
  const link = page.locator("[role=grid]").getByRole("link", { name: "better" });
  assert.equal(await link.getAttribute("href"), `/dashboard/agents/${agents.better}`);
});

test("a grade filters the table, and its chip undoes that", async (t) => {
  const page = await open(t);
  const grades = page.getByRole("list", { name: "Agents by grade" });
  assert.match(await grades.innerText(), /B · 80 to 90\s+2 agents · 40 %/);
  await grades.getByRole("link", { name: /^B/ }).click();
  await page.getByRole("button", { name: "Remove the filter Grade" }).waitFor();
  assert.deepEqual(await names(page), ["steady", "better"]);
  assert.equal(new URL(page.url()).searchParams.get("grade"), "B");
  await page.getByRole("button", { name: "Remove the filter Grade" }).click();
  await page.locator("[role=grid]").getByText("worst").waitFor();
  await grades.getByRole("link", { name: /^C/ }).click();
  await page.getByText("No agent has the grade C: remove that filter to see all.").waitFor();
});

test("who got worse comes first, and no label covers another", async (t) => {
  const page = await open(t);
  const told = await page.locator("table", { hasText: "Agents that got worse" }).locator("tbody tr").allInnerTexts();
  assert.deepEqual(told.map((line) => line.split("\t")), [
    ["worst", "90.0", "30.0", "−60.0"], ["worse", "95.0", "65.0", "−30.0"], ["better", "50.0", "85.0", "+35.0"],
  ]);
  const labels = page.locator(".slope-name");
  const boxes = await labels.evaluateAll((all) => all.map((label) => label.getBoundingClientRect().toJSON()));
  assert.equal(boxes.length, 3);
  boxes.sort((a, b) => a.top - b.top);
  boxes.slice(1).forEach(({ top }, index) => assert.ok(top >= boxes[index].bottom - 0.5, JSON.stringify(boxes)));
});

test("violations name the agent, the newest first", async (t) => {
  const page = await open(t);
  const lines = await page.getByRole("list", { name: "Violations, newest first" }).locator("li").allInnerTexts();
  assert.equal(lines.length, 3);
  assert.ok(lines.some((line) => /7\s+worst\s+\S/.test(line)), lines);
});

test("the score over time has gaps where nothing was scored", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: /^Score.*: figures as a table$/ }).click();
  const lines = await page.getByRole("region", { name: /^Score.*, figures$/ }).locator("tbody tr").allInnerTexts();
  const measured = lines.filter((line) => !line.includes("no data"));
  assert.ok(lines.length >= 24);
  assert.deepEqual(measured.map((line) => line.split("\t").slice(1)), [["71.1", "95.0", "30.0"]]);
});

test("the range counts in days, and the page says so", async (t) => {
  const page = await open(t, "?range=1h");
  await page.getByText("Scores and grades are told for a day at least: these are of the last 24 hours.").waitFor();
  await page.getByRole("group", { name: "Time range" }).getByRole("button", { name: "7d" }).click();
  await page.locator(".figure", { hasText: "Agents scored" }).getByText("9 records with a score").waitFor();
  const from = new Date(Date.now() - 60 * HOUR).toISOString();
  const to = new Date(Date.now() - 30 * HOUR).toISOString();
  await page.goto(`/dashboard/quality?from=${from}&to=${to}`);
  await page.getByText("these are of the last 3 days").waitFor();
});

test("the table is exported as it is shown", async (t) => {
  const page = await open(t, "?grade=D");
  const button = page.getByRole("button", { name: "Export CSV" });
  const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.equal(lines[0], "Agent,Role,Score,Grade,Change,Violations,Last scored");
  assert.match(lines[1], /^worse,developer,65,D,-30,4,20\d\d-.*Z$/);
  assert.equal(lines.length, 2);
});

test("an empty page tells the command that fills it, and shows without a reload what that posts", async (t) => {
  const other = new Api(changing);
  await other.createAgent({ name: "first" });
  const page = await testPage(t, browser, changing);
  await Promise.all([streaming(page), page.goto("/dashboard/quality")]);
  const command = await page.locator("pre.command").innerText();
  const [, url, body] = /^curl (\S+) -H 'Content-Type: application\/json' -d '(.*)'$/.exec(command);
  await settled(page);
  await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await page.locator(".figure").getByText("92.0").waitFor();
  await page.locator("[role=grid]").getByText("first").waitFor();
});

test("the page keeps within a narrow window", async (t) => {
  const page = await open(t, "", { viewport: { width: 360, height: 800 } });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `the page is ${width} px wide`);
});

test("the page is accessible", async (t) => {
  const page = await open(t);
  await assertAccessible(page);
});
