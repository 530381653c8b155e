// The frame around the pages: ways to them, palette, help, theme, going back.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { focusAfter, settled } from "./wait.js";

let server, browser, api;
before(async () => {
  server = await startServer("serve", "--seed-if-empty", "sample");
  browser = await launchBrowser();
  api = new Api(server);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function open(t, path = "/dashboard/", options = {}) {
  const page = await testPage(t, browser, server, options);
  await page.goto(path);
  await settled(page);
  return page;
}

const titled = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

test("every page is one click or two keys away, and has an address of its own", async (t) => {
  const page = await open(t);
  for (const [name, key, path] of [
    ["Approvals", "p", "/approvals"], ["Agents", "a", "/agents"], ["Activity", "l", "/activity"], ["Audit", "u", "/audit"], ["Cost", "c", "/cost"],
    ["Quality", "q", "/quality"], ["Map", "m", "/map"], ["Overview", "o", "/"],
  ]) {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
    await titled(page, name);
    assert.equal(new URL(page.url()).pathname, `/dashboard${path}`);
    await page.waitForFunction((title) => document.title === title, `${name} – agentmap`);
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await titled(page, name);
  }
  await page.goBack();
  await titled(page, "Map");
});

test("a page begins at its top, and going back finds the place where the reader was", async (t) => {
  const page = await open(t, "/dashboard/", { viewport: { width: 800, height: 400 } });
  const scrolled = () => page.evaluate(() => Math.round(scrollY));
  await page.evaluate(() => scrollTo(0, 300));
  assert.equal(await scrolled(), 300);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Cost" }).click();
  await titled(page, "Cost");
  await page.waitForFunction(() => scrollY === 0);
  await page.goBack();
  await titled(page, "Overview");
  await page.waitForFunction(() => Math.abs(scrollY - 300) < 5);
});

test("an address that is no page says so", async (t) => {
  const page = await open(t, "/dashboard/nothing/here");
  await titled(page, "No such page");
  // What is no encoding of a text kept the whole dashboard from starting.
  await page.goto("/dashboard/nothing%");
  await titled(page, "No such page");
});

test("the first Tab offers to skip the pages, and does", async (t) => {
  // A link within the page was taken for one to a page that is shown already, and nothing moved.
  const page = await open(t);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "page");
});

test("the range is chosen in narrow windows, too", async (t) => {
  const page = await open(t, "/dashboard/cost", { viewport: { width: 390, height: 844 } });
  await page.getByRole("combobox", { name: "Time range" }).selectOption("7d");
  await page.waitForURL(/range=7d/);
  await page.getByText("custom").click();
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/from=.*&to=/);
});

test("the palette finds agents and pages and returns the focus", async (t) => {
  const page = await open(t);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("diffrisk");
  await page.getByRole("option", { name: /diff-risk-reviewer/ }).waitFor();
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const opener = page.getByRole("button", { name: "Find an agent or a page" });
  await opener.click();
  await page.getByRole("combobox").waitFor();
  const focused = await focusAfter(page, ".overlay");
  await page.keyboard.press("Escape");
  assert.ok(await opener.evaluate((button, element) => button === element, await focused()));
  await opener.click();
  await page.getByRole("combobox").fill("diff-risk-reviewer");
  await page.keyboard.press("Enter");
  const { agent_id } = await api.get("/api/v1/agents/name/diff-risk-reviewer");
  await page.waitForURL(`**/dashboard/agents/${agent_id}`);
});

test("the help lists the keys, and letters can be switched off", async (t) => {
  const page = await open(t);
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.getByText("Go to Agents").waitFor();
  await assertAccessible(page);
  // The page's keys acted behind the dialog and took the focus from it.
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  assert.equal(new URL(page.url()).pathname, "/dashboard/");
  await help.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  assert.equal(new URL(page.url()).pathname, "/dashboard/");
});

test("the theme follows the system until one is chosen, which stays after a reload", async (t) => {
  const page = await open(t, "/dashboard/", { colorScheme: "dark" });
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await background();
  await page.getByRole("button", { name: "Theme: system" }).click();
  await page.getByRole("button", { name: "Theme: light" }).waitFor();
  const light = await background();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await background(), light);
});

test("the time range is in the address and shared", async (t) => {
  const page = await open(t, "/dashboard/cost?range=7d");
  const range = page.getByRole("group", { name: "Time range" });
  assert.equal(await range.getByRole("button", { name: "7d" }).getAttribute("aria-pressed"), "true");
  await range.getByRole("button", { name: "30d" }).click();
  assert.match(page.url(), /range=30d/);
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await titled(page, "Quality");
  assert.match(page.url(), /\/quality\?range=30d/);
  await range.getByText("custom").click();
  await page.getByLabel("From").fill("2026-11-02T00:00");
  await page.getByLabel("To", { exact: true }).fill("2026-11-01T00:00");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText("The start must be before the end.").waitFor();
  await page.getByLabel("To", { exact: true }).fill("2026-11-03T00:00");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/from=2026-11-02T00%3A00%3A00.000Z&to=2026-11-03/);
});
