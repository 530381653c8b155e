// Overview: what needs a person, the key figures, who is busy, the newest events; all of it live.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { launchBrowser, testPage } from "./browser.js";
import { testServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, settled, streaming } from "./wait.js";

let browser;
before(async () => { browser = await launchBrowser(); });
after(() => browser?.close());

// Each test has a server of its own: the figures are those of the whole fleet.
async function open(t, fill = async () => {}, { prepare, ...options } = {}) {
  const server = await testServer(t);
  const api = new Api(server);
  await fill(api);
  const page = await testPage(t, browser, server, options);
  await prepare?.(page);
  await Promise.all([streaming(page), page.goto("/dashboard/")]);
  await settled(page);
  return { page, api };
}

const figure = (page, label) => page.locator(".figure", { hasText: label }).locator(".value");
const needs = (page) => page.getByRole("region", { name: "Needs you" });

test("without agents it says what to do next", async (t) => {
  const { page } = await open(t);
  await page.getByText("agentmap seed ./identities").waitFor();
  await needs(page).getByText("Nothing: no budget is exceeded").waitFor();
});

test("the figures are what was recorded, and move with it", async (t) => {
  const { page, api } = await open(t, async (filling) => {
    const { agent_id } = await filling.createAgent({ name: "coder" });
    await filling.createAgent({ name: "tester" });
    await filling.recordMetric(agent_id, { cost_usd: 1.25 });
    await filling.recordEvent(agent_id, { rbac_decision: "denied" });
    await filling.recordMetric(agent_id, { metric_type: "quality", quality_score: 0.93 });
  });
  assert.equal(await figure(page, "Agents").textContent(), "2");
  assert.equal(await figure(page, "Spend today").textContent(), "1.25");
  assert.equal(await figure(page, "Denied today").textContent(), "1");
  await page.locator(".figure", { hasText: "Agents" }).locator(".beside", { hasText: "1 active, 1 offline" }).waitFor();
  assert.match(await figure(page, "Quality").textContent(), /^93\s+A$/);
  await assertPrompt((attempt) =>
    delayUntilShown(page, ".figure", `${attempt + 2}.25`, () => api.recordMetric("coder", { cost_usd: 1 })));
});

test("an exceeded budget needs a person at once, and leads to the agent", async (t) => {
  const { page, api } = await open(t, (filling) => filling.createAgent({ name: "spender", budget_max_cost_per_day: 5 }));
  await assertPrompt((attempt) =>
    delayUntilShown(page, "[aria-label='Needs you']", `spender used USD ${attempt + 1}6.00 of USD 5.00`, () =>
      api.recordMetric("spender", { cost_usd: attempt === 0 ? 16 : 10 })));
  await needs(page).getByRole("link", { name: /spender used/ }).click();
  await page.waitForURL(/\/dashboard\/agents\/[0-9a-f-]{36}$/);
});

test("an alert can be dismissed for this browser, and stays dismissed", async (t) => {
  const { page, api } = await open(t, (filling) => filling.createAgent({ name: "spender", budget_max_cost_per_day: 10 }));
  await api.recordMetric("spender", { cost_usd: 9.5 });
  await needs(page).getByText("spender used 9.50 of 10.00 USD today").waitFor();
  await needs(page).getByRole("button", { name: /^Dismiss/ }).click();
  await needs(page).getByText("spender used 9.50").waitFor({ state: "detached" });
  await page.reload();
  await settled(page);
  assert.equal(await needs(page).getByText("spender used 9.50").count(), 0);
});

test("who is busy is shown by five minutes and leads to the agent", async (t) => {
  const { page, api } = await open(t, async (filling) => {
    await filling.createAgent({ name: "busy", display_name: "Busy one" });
    await filling.createAgent({ name: "calm" });
  });
  await api.recordEvents([1, 2, 3].map(() => ({ agent_name: "busy", operation_type: "tool_use", rbac_decision: "denied" })));
  const panel = page.getByRole("region", { name: "Busiest agents" });
  await panel.getByRole("img", { name: "3 recorded, 3 refused" }).waitFor();
  await panel.getByRole("link", { name: "Busy one" }).click();
  await page.getByRole("heading", { level: 1, name: "Busy one" }).waitFor();
});

test("the feed shows an event at once and holds still while it is read", async (t) => {
  const { page, api } = await open(t, (filling) => filling.createAgent({ name: "coder" }));
  await assertPrompt((attempt) => delayUntilShown(page, ".feed-lines", `coder: Edit ${attempt} allowed`, () =>
    api.recordEvent("coder", { agent_name: "coder", operation_detail: `Edit ${attempt}` })));
  await page.locator(".feed-lines").hover();
  await api.recordEvent("coder", { agent_name: "coder", operation_detail: "Later" });
  await page.getByText("held, 1 new").waitFor();
  assert.equal(await page.getByText("coder: Later allowed").count(), 0);
  await page.mouse.move(5, 5);
  await page.getByText("coder: Later allowed").waitFor();
});

const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

test("agents that cannot be read are no empty fleet, and trying again shows them", async (t) => {
  let isBroken = true;
  const { page } = await open(t, (api) => api.createAgent({ name: "spender", budget_max_cost_per_day: 5 }), {
    allow: [/status of 500/],
    prepare: (each) => each.route("**/agents/brief*", (route) => (isBroken
      ? route.fulfill({ status: 500, json: { error: "internal_error", detail: "The disk is gone" } }) : route.fallback())),
  });
  await needs(page).getByRole("button", { name: "Try again" }).waitFor();
  assert.equal(await page.getByText("No agent is registered yet").count(), 0);
  assert.equal(await needs(page).getByText("Nothing: no budget is exceeded").count(), 0);
  isBroken = false;
  await needs(page).getByRole("button", { name: "Try again" }).focus();
  await page.keyboard.press("Enter");
  await needs(page).getByText("Nothing: no budget is exceeded").waitFor();
  assert.ok(await isFocused(needs(page)), "the focus stays in the panel");
});

test("what was denied today leads to exactly these records", async (t) => {
  const { page } = await open(t, async (filling) => {
    const { agent_id } = await filling.createAgent({ name: "coder" });
    for (const rbac_decision of ["denied", "denied", "requires_approval", "allowed"]) {
      await filling.recordEvent(agent_id, { rbac_decision });
    }
    await filling.recordEvent(agent_id, { rbac_decision: "denied", timestamp: new Date(Date.now() - 86_400_000).toISOString() });
  });
  assert.equal(await figure(page, "Denied today").textContent(), "2");
  await page.getByRole("link", { name: "Denied today" }).click();
  await page.getByRole("grid", { name: "Audit records" }).waitFor();
  await settled(page);
  assert.equal(await page.locator("[role=grid] .grid-body [role=row]").count(), 2);
});

// Four alerts of one kind: after each the budget is doubled, and nearly all of it used again.
async function alertOften(api, name) {
  const { agent_id } = await api.createAgent({ name, budget_max_cost_per_day: 10 });
  for (const [cost_usd, budget_max_cost_per_day] of [[9.2, 20], [9.2, 40], [18.4, 80], [36.8, 80]]) {
    await api.recordMetric(agent_id, { cost_usd });
    await api.request("PUT", `/api/v1/agents/${agent_id}`, { budget_max_cost_per_day });
  }
}

test("the alerts of one agent are no agents, and the focus goes from one that is dismissed to the next", async (t) => {
  const { page } = await open(t, (filling) => alertOften(filling, "spender"));
  const buttons = needs(page).getByRole("button", { name: /^Dismiss/ });
  assert.equal(await needs(page).getByText(/agents:/).count(), 0);
  assert.equal(await buttons.count(), 4);
  await buttons.first().focus();
  for (const left of [3, 2, 1]) {
    await page.keyboard.press("Enter");
    await page.waitForFunction((number) => document.querySelectorAll(".needs button").length === number, left);
    assert.ok(await isFocused(buttons.first()), "the next one has the focus");
  }
  await page.keyboard.press("Enter");
  await needs(page).getByText("Nothing: no budget is exceeded").waitFor();
  assert.ok(await isFocused(needs(page)), "the panel has the focus");
});

test("who is busy can be read as a table and saved", async (t) => {
  const { page } = await open(t, async (filling) => {
    await filling.createAgent({ name: "busy", display_name: "Busy one" });
    await filling.recordEvents([1, 2].map(() => ({ agent_name: "busy", operation_type: "tool_use", rbac_decision: "denied" })));
  });
  const panel = page.getByRole("region", { name: "Busiest agents", exact: true });
  assert.equal(await panel.locator(".axis time").count(), 3);
  const [file] = await Promise.all([
    page.waitForEvent("download"), panel.getByRole("button", { name: /download as CSV/ }).click(),
  ]);
  assert.equal(file.suggestedFilename(), "busiest-agents.csv");
  await panel.getByRole("button", { name: /figures as a table/ }).click();
  await panel.getByRole("row", { name: /Busy one/ }).getByRole("cell", { name: "2 (2)" }).waitFor();
});

test("the feed is held by the focus, too, when the pointer leaves it", async (t) => {
  const { page, api } = await open(t, (filling) => filling.recordEvent("coder", { agent_name: "coder" }));
  await page.locator(".feed-lines").hover();
  await page.locator(".feed-lines a").first().focus();
  await page.mouse.move(5, 5);
  await api.recordEvent("coder", { agent_name: "coder", operation_detail: "Later" });
  await page.getByText("held, 1 new").waitFor();
});

test("what the browser kept in another shape is not taken", async (t) => {
  const { page } = await open(t, undefined, {
    prepare: (each) => each.addInitScript(() => {
      for (const [key, value] of [["dismissed", "{}"], ["needs", "true"], ["columns", "[1]"], ["theme", "{"]]) {
        localStorage.setItem(`agentmap.${key}`, value);
      }
    }),
  });
  await needs(page).getByText("Nothing: no budget is exceeded").waitFor();
  assert.equal(await page.locator("html").getAttribute("data-theme"), null);
});
