// The page of all agents: who is listed, what is found, what is exported, and that ten thousand are no burden.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { testServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, streaming } from "./wait.js";

const PAGE = "/dashboard/agents";
const AT_ONCE = 16;

let browser;
before(async () => { browser = await launchBrowser(); });
after(() => browser?.close());

// The page of a server of its own, with these agents.
async function agentsPage(t, agents, { address = PAGE, ...options } = {}) {
  const server = await testServer(t);
  const page = await testPage(t, browser, server, options);
  const api = new Api(server);
  const left = agents.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const agent of left) await api.createAgent(agent);
  }));
  await Promise.all([streaming(page), page.goto(address)]);
  await (agents.length > 0 ? rows(page).first() : page.locator(".empty")).waitFor();
  return { api, page };
}

const FLEET = [
  { name: "ada", role: "developer", metadata_category: "delivery", metadata_tags: ["planning"], budget_max_cost_per_day: 10 },
  { name: "bob", role: "reviewer", metadata_category: "delivery", metadata_tags: ["planning", "nightly"], metadata_specialist: true },
  { name: "cyd", role: "developer", metadata_category: "security", budget_max_cost_per_day: 40 },
  { name: "dot", role: "tester", metadata_category: "quality", metadata_tags: ["nightly"] },
];

const grid = (page) => page.getByRole("grid", { name: "Agents" });
const rows = (page) => grid(page).locator(".grid-body [role=row]");
const cells = (page, key) => grid(page).locator(`.grid-body [id$="-${key}"]`);
const names = (page) => cells(page, "display_name").allTextContents();
const selected = (page, number) => page.locator(".summary").getByText(`${number} selected`);
const delayUntilListed = (page, name, act) => delayUntilShown(page, ".grid-body a", name, act);
const current = (page) => grid(page).locator(".grid-body .grid-row.current [role=gridcell] a").textContent();

// Waits until these names are listed, in this order.
const lists = (page, ...expected) => page.waitForFunction((wanted) =>
  [...document.querySelectorAll('.grid-body [id$="-display_name"]')].map((cell) => cell.textContent.trim()).join() === wanted,
expected.join());

async function download(page, button = "Export") {
  const [file] = await Promise.all([
    page.waitForEvent("download"), page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  return readFile(await file.path(), "utf8");
}

test("agents are listed with what they are and cost, by name", async (t) => {
  const { api, page } = await agentsPage(t, FLEET);
  await lists(page, "Ada", "Bob", "Cyd", "Dot");
  assert.deepEqual(await cells(page, "role").allTextContents(), ["developer", "reviewer", "developer", "tester"]);
  const [ada] = await api.get("/api/v1/agents/?q=ada");
  await api.recordMetric(ada.agent_id, { cost_usd: 9.5, tokens_used: 1234 });
  await grid(page).locator('.budget[data-level="critical"]', { hasText: "95 %" }).waitFor();
  await cells(page, "cost_used_today").filter({ hasText: "9.50" }).waitFor();
});

test("the address filters, and chips with counts take filters away", async (t) => {
  const { page } = await agentsPage(t, FLEET, { address: `${PAGE}?category=delivery&tag=nightly` });
  await lists(page, "Bob");
  await page.getByText("1 of 4 agents").waitFor();
  const chips = page.getByRole("group", { name: "Filters that are set" });
  assert.deepEqual(await chips.locator(".chip").allTextContents(), ["Category: delivery(2)", "Tag: nightly(2)"]);
  await page.getByRole("button", { name: "Remove the filter Tag" }).press("Enter");
  await lists(page, "Ada", "Bob");
  assert.equal(new URL(page.url()).search, "?category=delivery");
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Remove the filter Category");
});

test("controls filter, and say how many there would be", async (t) => {
  const { page } = await agentsPage(t, FLEET);
  const role = page.getByRole("combobox", { name: "Role" });
  assert.deepEqual(await role.locator("option").allTextContents(), ["any role", "developer (2)", "reviewer (1)", "tester (1)"]);
  await role.selectOption("developer");
  await lists(page, "Ada", "Cyd");
  const category = page.getByRole("combobox", { name: "Category" });
  assert.deepEqual(await category.locator("option").allTextContents(), ["any category", "delivery (1)", "security (1)"]);
  await category.selectOption("security");
  await lists(page, "Cyd");
  await page.getByRole("link", { name: "Clear all" }).click();
  await page.getByRole("combobox", { name: "Specialist" }).selectOption("yes");
  await lists(page, "Bob");
  assert.equal(new URL(page.url()).search, "?specialist=yes");
});

test("a search finds every word in names, roles and tags, and its Enter goes to the table", async (t) => {
  const { page } = await agentsPage(t, FLEET);
  await page.keyboard.press("/");
  await page.keyboard.type("NIGHT rev");
  await lists(page, "Bob");
  await page.keyboard.press("Enter");
  assert.ok(await grid(page).evaluate((table) => table === document.activeElement));
});

test("where nothing matches, the page says which filter to drop", async (t) => {
  const { page } = await agentsPage(t, FLEET);
  await page.goto(`${PAGE}?role=developer&category=quality&q=dot`);
  const advice = page.locator(".empty li");
  await advice.first().waitFor();
  assert.deepEqual(await advice.allTextContents(), [
    "Without Search: dot 0 agents", "Without Role: developer 1 agent", "Without Category: quality 0 agents",
  ]);
  await page.getByRole("link", { name: "Without Role: developer" }).click();
  await lists(page, "Dot");
});

test("without agents the page says how to get some", async (t) => {
  const { api, page } = await agentsPage(t, []);
  const advice = page.locator(".empty");
  assert.match(await advice.textContent(), /agentmap seed \.\/identities.*POST \/api\/v1\/agents\//s);
  await assertAccessible(page);
  await api.createAgent({ name: "first" });
  await lists(page, "First");
});

test("every column sorts both ways, and the address keeps it", async (t) => {
  const { api, page } = await agentsPage(t, FLEET, { viewport: { width: 2_000, height: 900 } });
  const heads = grid(page).locator("[role=columnheader] button");
  assert.ok(await heads.count() >= 15);
  await grid(page).getByRole("button", { name: "Role" }).click();
  await lists(page, "Ada", "Cyd", "Bob", "Dot");
  await grid(page).getByRole("button", { name: "Role" }).press("Enter");
  await lists(page, "Dot", "Bob", "Ada", "Cyd");
  assert.equal(new URL(page.url()).search, "?sort=-role");
  assert.equal(await page.getByRole("columnheader", { name: "Role" }).getAttribute("aria-sort"), "descending");
  const [dot] = await api.get("/api/v1/agents/?q=dot");
  await api.recordMetric(dot.agent_id, { cost_usd: 3 });
  await page.goto(`${PAGE}?sort=-cost_used_today`);
  await cells(page, "cost_used_today").first().filter({ hasText: "3.00" }).waitFor();
  assert.equal((await names(page))[0].trim(), "Dot");
});

test("the export holds what is shown: rows, order and columns, and no formula", async (t) => {
  const hostile = { name: "eve", display_name: '=HYPERLINK("http://x","y")', metadata_category: "delivery", budget_max_cost_per_day: 8 };
  const { page } = await agentsPage(t, [...FLEET, hostile], { address: `${PAGE}?category=delivery&sort=-budget` });
  await page.getByText("Columns").click();
  const labels = (await page.locator(".menu-body label").allTextContents()).map((label) => label.trim());
  for (const label of labels) await page.getByRole("checkbox", { name: label, exact: true }).setChecked(["Role", "Category"].includes(label));
  await page.keyboard.press("Escape");
  await page.getByRole("grid").getByRole("button", { name: "Name" }).click();
  const text = await download(page);
  assert.equal(text, [
    "Name,Role,Category", `"'=HYPERLINK(""http://x"",""y"")",developer,delivery`, "Ada,developer,delivery",
    "Bob,reviewer,delivery", "",
  ].join("\r\n"));
  await page.reload();
  await rows(page).first().waitFor();
  assert.deepEqual(await page.getByRole("columnheader").allTextContents().then((all) => all.filter(Boolean)), ["Name", "Role", "Category"]);
});

test("the table is worked by keys alone", async (t) => {
  const { page } = await agentsPage(t, FLEET, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.keyboard.press("j");
  assert.equal(await current(page), "Ada");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  assert.equal(await current(page), "Bob");
  await page.keyboard.press("x");
  await selected(page, 1).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("c");
  await page.getByText("Copied").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "reviewer");
  await page.keyboard.press("s");
  await lists(page, "Ada", "Cyd", "Bob", "Dot");
});

test("what is selected is counted and exported", async (t) => {
  const { page } = await agentsPage(t, FLEET);
  await page.getByRole("checkbox", { name: "Select Cyd" }).check();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await selected(page, 2).waitFor();
  const text = await download(page, "Export 2 selected");
  assert.deepEqual(text.trim().split("\r\n").slice(1).map((line) => line.split(",")[0]), ["Cyd", "Dot"]);
  await page.getByRole("button", { name: "Clear the selection" }).click();
  assert.ok(await grid(page).evaluate((table) => table === document.activeElement), "the table has the focus");
  await page.getByRole("button", { name: "Export", exact: true }).waitFor();
});

test("Enter opens an agent, e edits it, and back is where one was", async (t) => {
  const { api, page } = await agentsPage(t, FLEET);
  const agents = await api.get("/api/v1/agents/?sort=name");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/dashboard/agents/${agents[1].agent_id}`);
  await page.goBack();
  await rows(page).first().waitFor();
  await page.keyboard.press("j");
  assert.equal(await current(page), "Cyd");
  await page.keyboard.press("e");
  await page.waitForURL(`**/dashboard/agents/${agents[2].agent_id}?edit=1`);
  await page.goBack();
  await rows(page).last().click();
  await page.waitForURL(`**/dashboard/agents/${agents[3].agent_id}`);
});

test("narrow windows show name, status, budget and last activity, and nothing is cut", async (t) => {
  const { page } = await agentsPage(t, FLEET, { viewport: { width: 390, height: 844 } });
  assert.deepEqual(await page.getByRole("columnheader").allTextContents(), ["Name", "Status", "Budget", "Last active"]);
  const isWider = (element) => element.scrollWidth > element.clientWidth;
  assert.equal(await grid(page).evaluate(isWider), false);
  assert.equal(await page.locator("html").evaluate(isWider), false);
});

test("the page is accessible", async (t) => {
  const { page } = await agentsPage(t, FLEET, { address: `${PAGE}?category=delivery` });
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await assertAccessible(page);
});

test("ten thousand agents are less than a hundred rows of the page, and a new one is there at once", async (t) => {
  const { api, page } = await agentsPage(t, FLEET);
  await page.route("**/api/v1/agents/brief*", async (route) => {
    const answer = await route.fetch();
    const agents = await answer.json();
    const more = Array.from({ length: 10_000 - agents.length }, (_, index) => {
      const name = `agent-${String(index).padStart(5, "0")}`;
      return { ...agents[index % agents.length], agent_id: crypto.randomUUID(), name, display_name: name };
    });
    await route.fulfill({ response: answer, json: [...agents, ...more] });
  });
  await Promise.all([streaming(page), page.reload()]);
  await page.getByText("10,000 agents").waitFor();
  await grid(page).focus();
  for (const [key, place] of [["End", 10_000], ["PageUp", null], ["Home", 1], ["PageDown", null]]) {
    await page.keyboard.press(key);
    const shown = grid(page).locator(place ? `.current[aria-rowindex="${place + 1}"]` : ".grid-row.current");
    await shown.waitFor();
    assert.ok(await page.getByRole("row").count() < 100);
  }
  await page.keyboard.press("Home");
  await assertPrompt((number) =>
    delayUntilListed(page, `Aaron ${number}`, () => api.createAgent({ name: `aaron-${number}` })));
});

test("a new agent is shown at once", async (t) => {
  const { api, page } = await agentsPage(t, FLEET);
  await assertPrompt((number) =>
    delayUntilListed(page, `Newcomer ${number}`, () => api.createAgent({ name: `newcomer-${number}` })));
});

test("hostile names and tags are text and break nothing", async (t) => {
  const markup = '<img src=x onerror="document.title=1"><script>1</script>';
  const turned = "\u202Egnp.exe\u2066 \u05E9\u05DC\u05D5\u05DD\u200F";
  const hostile = [
    { name: "markup", display_name: markup, role: markup, metadata_tags: [markup] },
    { name: "turned", display_name: turned, metadata_tags: [turned] },
    { name: "wide", display_name: "W".repeat(256), metadata_tags: Array.from({ length: 8 }, (_, index) => String(index).repeat(512)) },
  ];
  const { page } = await agentsPage(t, hostile, { viewport: { width: 1_920, height: 900 } });
  assert.deepEqual((await names(page)).map((name) => name.trim()).toSorted(), hostile.map((agent) => agent.display_name).toSorted());
  for (const row of await rows(page).all()) assert.equal((await row.boundingBox()).height, 36);
  assert.equal(await page.locator("html").evaluate((element) => element.scrollWidth > element.clientWidth), false);
  await page.getByRole("combobox", { name: "Tag" }).selectOption(markup);
  await page.locator(".chip", { hasText: markup }).waitFor();
  await lists(page, markup);
  await assertAccessible(page);
});
