// The page of one agent: what it shows, and what may be done with an agent there.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, focusAfter, settled, streaming } from "./wait.js";

const REFUSED = /status of 4(04|09|22)/; // the browser's own note of an answer that the test provokes

let server, browser, api;
before(async () => {
  server = await startServer("serve");
  browser = await launchBrowser();
  api = new Api(server);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const addressOf = ({ agent_id }, search = "") => `/dashboard/agents/${agent_id}${search}`;

// The page of an agent, with the live stream open.
async function open(t, path, options) {
  const page = await testPage(t, browser, server, options);
  await Promise.all([streaming(page), page.goto(path)]);
  await settled(page);
  return page;
}

const panel = (page, name) => page.getByRole("region", { name, exact: true });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const told = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();

// What a field's description says, as assistive technology is told it.
const describedAs = (field) => field.evaluate((element) =>
  (element.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent).join(" "));

test("identity, rights as sentences, budget and record are shown", async (t) => {
  const agent = await api.createAgent({
    display_name: "Coder of things", description: "Writes what is asked for", role_confidence: 0.87, role_reasoning: "It codes",
    metadata_tags: ["night-shift"], rbac_allowed_tools: ["Read", "Write", "Edit"], rbac_denied_tools: ["KillShell"],
    rbac_api_access: ["github"], rbac_approval_threshold: 10,
  });
  await api.recordMetric(agent.agent_id, { cost_usd: 7.5, tokens_used: 4_200, execution_time_ms: 340 });
  await api.recordEvent(agent.agent_id, { operation_detail: "Edit", target_resource: "src/lib.rs" });
  const page = await open(t, addressOf(agent));
  await page.getByRole("heading", { level: 1, name: "Coder of things" }).waitFor();
  const identity = await panel(page, "Identity").innerText();
  for (const text of ["Writes what is asked for", "developer", "87 %", "It codes", "foundry", "night-shift", agent.agent_id]) {
    assert.ok(identity.includes(text), `${text} is missing in ${identity}`);
  }
  const rights = panel(page, "Rights");
  assert.deepEqual(await rights.getByRole("listitem").allInnerTexts(), [
    "may Read, Write, Edit in src/**", "never KillShell", "may call github", "asks above USD 10.00 an operation",
  ]);
  await rights.getByRole("button", { name: "Raw form" }).click();
  await rights.getByText('"denied_tools"').waitFor();
  const budget = await panel(page, "Budget today").innerText();
  assert.match(budget, /USD 22\.50/);
  assert.match(budget, /of USD 30\.00/);
  assert.match(budget, /4\.2K/);
  const timeline = panel(page, "Timeline");
  await timeline.getByRole("row").filter({ hasText: "src/lib.rs" }).waitFor();
  await timeline.getByRole("row").filter({ hasText: "340 ms" }).waitFor();
  const all = await panel(page, "All time").innerText();
  assert.match(all, /USD 7\.50/);
  assert.match(all, /Mean time\s+340 ms/);
  assert.match(all, /Mean quality\s+–/, "what was never measured is no 0 %");
  await assertAccessible(page);
});

test("a metric moves the budget and is in the timeline at once", async (t) => {
  let agent, page;
  await assertPrompt(async () => { // a page each: figures that tick are shown at most every 250 ms
    agent = await api.createAgent();
    page = await open(t, addressOf(agent));
    return delayUntilShown(page, "section", "USD 17.75", () => api.recordMetric(agent.agent_id, { cost_usd: 12.25 }));
  });
  for (const left of ["USD 5.50", "USD -6.75"]) {
    await api.recordMetric(agent.agent_id, { cost_usd: 12.25 });
    await panel(page, "Budget today").getByText(left).waitFor();
  }
  await panel(page, "Budget today").getByText(/^Used up between/).waitFor();
  await page.locator(".state", { hasText: /^blocked$/ }).waitFor();
  await assertPrompt((number) => delayUntilShown(page, "[role=row]", `docs/${number}.md`, () =>
    api.recordEvent(agent.agent_id, { target_resource: `docs/${number}.md` })));
});

test("an edit sends what changed alone, and shows what the server says beside the fields", async (t) => {
  const agent = await api.createAgent({ metadata_tags: ["one"] });
  const page = await open(t, addressOf(agent), { allow: [REFUSED] });
  const sent = [];
  page.on("request", (request) => { if (request.method() === "PUT") sent.push(request.postDataJSON()); });
  await page.keyboard.press("e");
  await page.waitForURL(/edit=1/);
  await assertAccessible(page);
  await page.getByLabel("Path scopes").fill("src/**\n[broken");
  await page.getByLabel("Cost a day").fill("-1");
  await button(page, "Save").click();
  const scopes = page.getByRole("textbox", { name: "Path scopes", exact: false });
  await page.locator("[aria-invalid=true]").first().waitFor();
  assert.match(await describedAs(scopes), /item 2 is not a valid glob/);
  assert.match(await describedAs(page.getByLabel("Cost a day")), /greater than 0/);
  assert.ok(await scopes.evaluate((element) => element === document.activeElement), "the first problem has the focus");
  await page.getByText(/Request [0-9a-f]{8}/).waitFor();
  await assertAccessible(page);
  await scopes.fill("src/**\ntests/**");
  await page.getByLabel("Cost a day").fill("45.5");
  await page.getByLabel("Tags").fill("one\ntwo");
  await button(page, "Save").click();
  await told(page, `${agent.name} is saved`);
  assert.deepEqual(sent.at(-1), {
    rbac_path_scopes: ["src/**", "tests/**"], budget_max_cost_per_day: 45.5, metadata_tags: ["one", "two"],
  });
  await panel(page, "Budget today").getByText("of USD 45.50").waitFor();
  await panel(page, "Rights").getByText("tests/**").waitFor();
  assert.equal((await api.get(`/api/v1/agents/${agent.agent_id}`)).budget.max_cost_per_day, 45.5);
});

test("what is not saved is asked for before the page is left", async (t) => {
  const agent = await api.createAgent();
  const page = await open(t, addressOf(agent, "?edit=1"));
  await page.getByLabel("Display name").fill("Not saved");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Audit" }).click();
  await page.getByText("What you changed is not saved.").waitFor();
  assert.ok(await button(page, "Go on editing").evaluate((element) => element === document.activeElement));
  await assertAccessible(page);
  await button(page, "Go on editing").click();
  assert.equal(await page.getByLabel("Display name").inputValue(), "Not saved");
  await page.keyboard.press("Escape");
  await button(page, "Discard the changes").click();
  await page.waitForURL((url) => !url.searchParams.has("edit"));
  assert.equal((await api.get(`/api/v1/agents/${agent.agent_id}`)).display_name, agent.display_name);
});

test("what someone else changes meanwhile is neither lost nor hidden", async (t) => {
  const agent = await api.createAgent();
  const page = await open(t, addressOf(agent, "?edit=1"));
  await page.getByLabel("Display name").fill("Mine");
  await api.request("PUT", `/api/v1/agents/${agent.agent_id}`, { display_name: "Theirs", metadata_version: "9.9.9" });
  await page.getByText("Changed meanwhile by someone else: Display name, Version.").waitFor();
  assert.equal(await page.getByLabel("Display name").inputValue(), "Mine");
  await button(page, "Save").click();
  assert.equal((await api.get(`/api/v1/agents/${agent.agent_id}`)).display_name, "Theirs");
  await button(page, "Overwrite with mine").click();
  assert.equal(await page.getByLabel("Version").inputValue(), "9.9.9");
  await button(page, "Save").click();
  await told(page, `${agent.name} is saved`);
  const saved = await api.get(`/api/v1/agents/${agent.agent_id}`);
  assert.deepEqual([saved.display_name, saved.metadata.version], ["Mine", "9.9.9"]);
});

test("a new agent: a name that is taken is said, then the agent is shown", async (t) => {
  const taken = await api.createAgent();
  const page = await open(t, "/dashboard/agents/new", { allow: [REFUSED] });
  await button(page, "Register the agent").click();
  await page.locator("[aria-invalid=true]").first().waitFor();
  assert.equal(await page.getByRole("group", { name: "Time range" }).count(), 0, "nothing here has a time");
  assert.match(await describedAs(page.getByLabel("Role (required)")), /required|missing/);
  await page.getByLabel("Name (required)").fill(taken.name);
  await page.getByLabel("Role (required)").fill("developer");
  await page.getByLabel("Capabilities").fill("coding\nreading");
  await page.getByLabel("Allowed tools").fill("Read");
  await page.getByLabel("Path scopes").fill("src/**");
  await page.getByLabel("Cost a day").fill("12");
  await page.getByLabel("Tokens a session").fill("90000");
  await page.getByLabel("Category").fill("foundry");
  await button(page, "Register the agent").click();
  await page.locator(".field-error", { hasText: taken.name }).waitFor();
  assert.match(await describedAs(page.getByLabel("Name (required)")), new RegExp(taken.name));
  await assertAccessible(page);
  const name = `${taken.name}-too`;
  await page.getByLabel("Name (required)").fill(name);
  await button(page, "Register the agent").click();
  await told(page, `${name} is registered`);
  const made = await api.get(`/api/v1/agents/name/${name}`);
  assert.ok(page.url().endsWith(addressOf(made)), page.url());
  assert.deepEqual(made.capabilities, ["coding", "reading"]);
  await panel(page, "Budget today").getByText("of USD 12.00").waitFor();
});

test("an agent is paused, resumed and activated", async (t) => {
  const agent = await api.createAgent();
  const page = await open(t, addressOf(agent));
  await button(page, "Pause").click();
  await told(page, `${agent.name} is paused`);
  await page.locator(".state", { hasText: "paused" }).waitFor();
  assert.equal((await api.get(`/api/v1/agents/${agent.agent_id}`)).status, "paused");
  await button(page, "Resume").click();
  await told(page, `${agent.name} is resumed`);
  await button(page, "Activate").click();
  await told(page, `${agent.name} is activated`);
  await page.locator(".state", { hasText: /^active$/ }).waitFor();
});

test("an agent is deleted after a second question, and its records stay", async (t) => {
  const agent = await api.createAgent();
  await api.recordEvent(agent.agent_id);
  const page = await open(t, addressOf(agent));
  await button(page, "Delete").click();
  await page.getByText("Its metrics and audit records stay.").waitFor();
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await page.getByText("Its metrics and audit records stay.").waitFor({ state: "detached" });
  await button(page, "Delete").click();
  await button(page, `Delete ${agent.name} for good`).click();
  await page.waitForURL("**/dashboard/agents");
  await told(page, `${agent.name} is deleted`);
  await assert.rejects(api.get(`/api/v1/agents/${agent.agent_id}`), /404/);
  assert.equal((await api.get(`/api/v1/events/audit?agent_id=${agent.agent_id}`)).length, 1);
});

test("an agent that is deleted elsewhere is said to be", async (t) => {
  const agent = await api.createAgent();
  const page = await open(t, addressOf(agent));
  await api.request("DELETE", `/api/v1/agents/${agent.agent_id}`);
  await page.getByRole("alert").filter({ hasText: "was deleted by someone else" }).waitFor();
  assert.equal(await button(page, "Edit").count(), 0);
  await page.getByRole("alert").getByRole("link", { name: "All agents" }).click();
  await page.waitForURL("**/dashboard/agents");
});

test("an id that no agent has leads to those there are", async (t) => {
  const page = await open(t, "/dashboard/agents/nobody");
  await page.getByText("There is no agent nobody").waitFor();
  await page.getByRole("main").getByRole("link", { name: "All agents" }).click();
  await page.waitForURL("**/dashboard/agents");
});

test("the keyboard alone leads from the list to a saved edit", async (t) => {
  const agent = await api.createAgent({ display_name: "First of all", name: `0-${process.pid}` });
  const page = await open(t, "/dashboard/agents");
  await page.getByRole("grid").waitFor();
  const isIn = (role) => page.evaluate((wanted) => document.activeElement.getAttribute("role") === wanted, role);
  for (let presses = 0; presses < 60 && !await isIn("grid"); presses += 1) await page.keyboard.press("Tab");
  assert.ok(await isIn("grid"), "Tab reaches the list");
  const row = page.getByRole("grid").getByRole("row").filter({ hasText: agent.display_name });
  for (let presses = 0; presses < 60 && !/current/.test(await row.getAttribute("class")); presses += 1) await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${addressOf(agent)}`);
  await settled(page);
  await page.keyboard.press("e");
  await page.getByRole("form").waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("Typed alone");
  await page.keyboard.press("Control+Enter");
  await told(page, `${agent.name} is saved`);
  assert.equal((await api.get(`/api/v1/agents/${agent.agent_id}`)).display_name, "Typed alone");
  assert.ok(await button(page, "Edit").evaluate((element) => element === document.activeElement), "the focus is where it began");
});

test("a record's address opens its drawer; Escape closes it and gives the focus back to the list", async (t) => {
  const agent = await api.createAgent();
  const first = await api.recordMetric(agent.agent_id, { quality_score: 0.5, context: { note: "the first of them" } });
  const second = await api.recordEvent(agent.agent_id, { rbac_reason: "the second of them" });
  const metric = `?metric=${first.seq}&at=${encodeURIComponent(first.recorded_at)}`;
  for (const [address, text] of [[metric, "the first of them"], [`?operation=${second.seq}`, "the second of them"]]) {
    const page = await open(t, addressOf(agent, address));
    const drawer = page.getByRole("complementary");
    await drawer.locator("pre", { hasText: text }).waitFor();
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "grid");
    assert.equal(new URL(page.url()).search, "");
  }
});

test("the drawer opens from a row, steps through the list and returns the focus", async (t) => {
  const agent = await api.createAgent();
  for (const target_resource of ["src/1.rs", "src/2.rs", "src/3.rs"]) await api.recordEvent(agent.agent_id, { target_resource });
  const page = await open(t, addressOf(agent));
  await page.getByRole("grid").focus();
  await page.keyboard.press("Enter");
  const target = (name) => page.getByRole("complementary").locator("dd", { hasText: name }).waitFor();
  await target("src/3.rs");
  await page.keyboard.press("ArrowDown");
  await target("src/2.rs");
  await button(page, "Next").click();
  await target("src/1.rs");
  await page.keyboard.press("ArrowUp");
  await target("src/2.rs");
  const focused = await focusAfter(page, ".drawer");
  await page.keyboard.press("Escape");
  assert.equal(await (await focused()).getAttribute("role"), "grid");
});

test("the timeline holds still while it is read, and says what is new", async (t) => {
  const agent = await api.createAgent();
  await api.recordEvent(agent.agent_id, { target_resource: "src/old.rs" });
  const page = await open(t, addressOf(agent));
  const timeline = panel(page, "Timeline");
  await timeline.getByRole("grid").focus();
  await api.recordEvent(agent.agent_id, { target_resource: "src/new.rs" });
  await api.recordMetric(agent.agent_id);
  await timeline.getByRole("button", { name: "2 new" }).waitFor();
  assert.equal(await timeline.getByText("src/new.rs").count(), 0);
  await timeline.getByRole("button", { name: "2 new" }).focus();
  await page.keyboard.press("Enter");
  await timeline.getByText("src/new.rs").waitFor();
  await timeline.getByRole("button", { name: "2 new" }).waitFor({ state: "detached" });
  assert.ok(await timeline.evaluate((element) => element === document.activeElement), "the focus stays with the timeline");
});

test("the timeline goes back to the first record, in order", async (t) => {
  const agent = await api.createAgent();
  const start = Date.now() - 3_600_000;
  const at = (index) => new Date(start + index * 1_000).toISOString();
  const numbers = [...Array(150).keys()];
  await api.recordEvents(numbers.map((index) => ({
    agent_id: agent.agent_id, operation_type: "tool_use", operation_detail: `op-${2 * index}`, timestamp: at(2 * index),
  })));
  await api.recordMetrics(numbers.map((index) => ({
    agent_id: agent.agent_id, metric_type: `op-${2 * index + 1}`, recorded_at: at(2 * index + 1),
  })));
  const page = await open(t, addressOf(agent));
  const grid = page.getByRole("grid");
  await grid.focus();
  const seen = new Set();
  const isAtEnd = () => grid.getByText("op-0", { exact: true }).isVisible();
  for (let pages = 0; pages < 80 && !await isAtEnd(); pages += 1) {
    for (const text of await grid.getByText(/^op-\d+$/).allInnerTexts()) seen.add(text);
    await page.keyboard.press("PageDown");
    await settled(page);
  }
  for (const text of await grid.getByText(/^op-\d+$/).allInnerTexts()) seen.add(text);
  assert.deepEqual([...seen].map((text) => Number(text.slice(3))), [...Array(300).keys()].reverse());
});

test("the timeline reads back so far and no further, and begins anew once nobody reads it", async (t) => {
  const agent = await api.createAgent();
  await api.recordEvents([...Array(300).keys()].map((index) => ({
    agent_id: agent.agent_id, operation_type: "tool_use", operation_detail: `op-${index}`,
    timestamp: new Date(Date.now() - 3_600_000 + index * 1_000).toISOString(),
  })));
  const page = await testPage(t, browser, server);
  await page.route("**/history_store.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("KEPT = 10_000", "KEPT = 150") });
  });
  await Promise.all([streaming(page), page.goto(addressOf(agent))]);
  await settled(page);
  const timeline = panel(page, "Timeline");
  await timeline.getByRole("button", { name: "More" }).focus();
  await page.keyboard.press("Enter");
  await timeline.getByText("the newest 200; older operations are in the audit trail").waitFor();
  assert.ok(await timeline.evaluate((element) => element === document.activeElement), "the focus stays with the timeline");
  await timeline.getByRole("grid").focus();
  await api.recordEvent((await api.createAgent()).agent_id);
  await api.recordEvent(agent.agent_id);
  await timeline.getByRole("button", { name: "1 new" }).waitFor();
  await timeline.getByText("the newest 200").waitFor();
  await page.getByRole("main").focus();
  await api.recordEvent(agent.agent_id, { target_resource: "src/last.rs" });
  await timeline.getByText("operations and metrics, 100 of more").waitFor();
  await timeline.getByText("src/last.rs").waitFor();
});

test("hostile data is text, and the page fits a narrow window", async (t) => {
  const markup = `<img src=x onerror="document.title='broken'">`;
  const agent = await api.createAgent({
    display_name: `${markup}\u202e`, description: "w".repeat(4_096), rbac_allowed_tools: [markup, "safe\u202eno", "tag\u{e0041}"],
    rbac_path_scopes: ["x".repeat(500)], capabilities: ["y".repeat(500)], metadata_tags: [markup],
  });
  await api.recordEvent(agent.agent_id, { target_resource: "z".repeat(4_096), rbac_reason: markup, operation_detail: markup });
  const { seq } = await api.recordEvent(agent.agent_id, { context: { [markup]: "\u202eturned" } });
  for (const search of ["", "?edit=1", `?operation=${seq}`]) {
    const page = await open(t, addressOf(agent, search), { viewport: { width: 390, height: 844 } });
    assert.equal(await page.locator("main img").count(), 0);
    const spare = await page.evaluate(() => innerWidth - document.documentElement.scrollWidth);
    assert.ok(spare >= 0, `${search}: the page is ${-spare} px too wide`);
    if (search === "") {
      assert.equal(await page.evaluate(() => scrollY), 0, "the page begins at its top");
      assert.match(await panel(page, "Rights").innerText(), /safe\\u202eno, tag\\udb40\\udc41/);
      await assertAccessible(page);
    }
  }
});

test("what is reserved and what an operator added is told, and moves nothing of what was used", async (t) => {
  // What was left of the raised budget was taken for that of the agent's own limit: it seemed to have used less than nothing.
  const agent = await api.createAgent({ budget_max_cost_per_day: 5 });
  await api.recordMetric(agent.agent_id, { cost_usd: 1 });
  await api.decide(agent.name, { tool: "Read", path: "src/a.rs", command: undefined, estimated_cost_usd: 0.5 });
  const page = await open(t, addressOf(agent));
  const beside = panel(page, "Budget today").locator(".beside");
  await beside.filter({ hasText: "of USD 5.00, USD 1.00 used, USD 0.50 reserved" }).waitFor();
  await api.request("POST", `/api/v1/budgets/agent:${agent.agent_id}/raise`, { cost_usd: 20 });
  await beside.filter({ hasText: "of USD 5.00, USD 1.00 used, USD 0.50 reserved, raised by USD 20.00 for today" }).waitFor();
});
