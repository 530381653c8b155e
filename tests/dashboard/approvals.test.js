// Approvals: what waits is told at once and everywhere, is answered by mouse and by keyboard, and can be taken back.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { testServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, focusAfter, settled, streaming } from "./wait.js";

const CONFLICT = /status of 409/; // the browser's own note of an answer that the test provokes
const PAGE = "/dashboard/approvals";

let browser;
before(async () => { browser = await launchBrowser(); });
after(() => browser?.close());

// Each test has a server of its own: what waits is that of the whole fleet. `commands` wait before the page is opened.
async function open(t, { path = PAGE, commands = [], args = [], prepare, ...options } = {}) {
  const server = await testServer(t, "serve", ...args);
  const api = new Api(server);
  await api.createAgent({ name: "coder", rbac_allowed_tools: ["Bash", "Write"], rbac_requires_approval: true });
  const ids = [];
  for (const command of commands) ids.push((await api.decide("coder", { command })).approval_id);
  const page = await testPage(t, browser, server, options);
  await prepare?.(page, api);
  await Promise.all([streaming(page), page.goto(path)]);
  await settled(page);
  return { page, api, server, ids };
}

const feed = (page) => page.getByRole("feed", { name: "Waiting for an answer" });
const item = (page, text) => feed(page).getByRole("article").filter({ hasText: text });
const panel = (page, name) => page.getByRole("region", { name, exact: true });
const read = (api, id) => api.get(`/api/v1/approvals/${id}`);
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);
const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); };
const titled = (page, title) => page.waitForFunction((wanted) => document.title === wanted, title);

test("what comes to wait is told on every page at once, and goes when it is answered", async (t) => {
  const { page, api } = await open(t, { path: "/dashboard/" });
  const needs = panel(page, "Needs you");
  await titled(page, "Overview – agentmap");
  const asked = [];
  await assertPrompt((attempt) => delayUntilShown(page, ".rail .badge", `${attempt + 1}`, async () =>
    asked.push((await api.decide("coder", { command: `make release-${attempt}` })).approval_id)));
  const count = asked.length;
  await page.getByRole("link", { name: `Approvals, ${count} waiting`, exact: true }).waitFor();
  await titled(page, `(${count}) Overview – agentmap`);
  await needs.getByRole("link", { name: "coder asks: Bash make release-0" }).click();
  await page.waitForURL(`**/approvals?approval=${asked[0]}`);
  await page.goBack();
  for (const id of asked) await api.request("POST", `/api/v1/approvals/${id}/approve`);
  await needs.getByText("Nothing: no budget is exceeded").waitFor();
  await page.getByRole("link", { name: "Approvals", exact: true }).waitFor();
  await titled(page, "Overview – agentmap");
  await page.setViewportSize({ width: 800, height: 600 });
  await api.decide("coder", { command: "make again" });
  await page.locator(".rail .badge", { hasText: "1" }).waitFor();
});

test("the keyboard approves for a session and for once, and the focus goes on to what waits still", async (t) => {
  const { page, api, ids: [first, second, third] } = await open(t, { commands: ["make one", "make two", "make three"] });
  await press(page, "j", "j", "k", "j");
  assert.ok(await isFocused(item(page, "make two")));
  await press(page, "s");
  await feed(page).getByText("For this agent as long as the session s-1 lasts: this very command, without a cost told.").waitFor();
  await page.keyboard.type("all of today");
  await press(page, "Enter");
  await item(page, "make two").waitFor({ state: "detached" });
  assert.ok(await isFocused(item(page, "make three")), "the next one has the focus");
  const { status, scope, reason } = await read(api, second);
  assert.deepEqual({ status, scope, reason }, { status: "approved", scope: "session", reason: "all of today" });
  await press(page, "a", "Escape", "a", "Enter");
  await item(page, "make three").waitFor({ state: "detached" });
  assert.ok(await isFocused(item(page, "make one")));
  assert.deepEqual([(await read(api, third)).scope, (await read(api, first)).status], ["once", "pending"]);
  await panel(page, "Answered").getByRole("listitem").filter({ hasText: "make two" }).getByText("approved for the session").waitFor();
  await press(page, "?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  for (const label of ["Approve once", "Approve for the session", "Approve always", "Deny", "Go to Approvals"]) {
    await help.getByText(label, { exact: true }).waitFor();
  }
});

test("letters answer nothing that has not the focus, and nothing is answered before it is confirmed", async (t) => {
  const { page, api, ids: [id] } = await open(t, { commands: ["make one"] });
  await press(page, "a", "d", "l", "Enter");
  assert.equal(await feed(page).getByRole("form").count(), 0);
  await press(page, "j", "d");
  await page.getByRole("form", { name: "Deny: Bash make one" }).waitFor();
  await press(page, "Escape");
  assert.ok(await isFocused(item(page, "make one")));
  assert.equal((await read(api, id)).status, "pending");
});

test("of a command that is too long to be kept whole it is said that there is more", async (t) => {
  const { page } = await open(t, { commands: [`make one; ${"x".repeat(5_000)}; rm -rf /`] });
  await item(page, "make one").getByRole("button", { name: "show all" }).click();
  await item(page, "make one").getByText("The command is longer: this is the beginning that the server keeps.").waitFor();
});

test("the mouse denies, with a reason", async (t) => {
  const { page, api, ids: [id] } = await open(t, { commands: ["make one"] });
  await item(page, "make one").getByRole("button", { name: "Deny" }).click();
  const form = page.getByRole("form", { name: "Deny: Bash make one" });
  await form.getByRole("textbox").fill("not on a Friday");
  await assertAccessible(page);
  await form.getByRole("button", { name: "Deny" }).click();
  await page.getByText("Nothing waits for an answer.").waitFor();
  const { status, reason } = await read(api, id);
  assert.deepEqual({ status, reason }, { status: "denied", reason: "not on a Friday" });
  await panel(page, "Answered").getByText("denied by local: not on a Friday").waitFor();
});

test("what was approved for always is a grant, which is listed and revoked in place", async (t) => {
  const { page, api } = await open(t, { commands: ["make one", "make two"] });
  for (const command of ["make one", "make two"]) {
    await item(page, command).getByRole("button", { name: "Always" }).click();
    await page.getByRole("button", { name: "Approve always" }).click();
    await item(page, command).waitFor({ state: "detached" });
  }
  const grants = page.getByRole("list", { name: "Grants, the newest first" });
  assert.equal((await api.decide("coder", { command: "make one" })).decision, "allowed");
  const revoke = grants.getByRole("button", { name: "Revoke: Bash make one" });
  await revoke.click();
  await press(page, "Escape");
  assert.ok(await isFocused(revoke));
  await press(page, "Enter");
  await grants.getByRole("button", { name: "Revoke the grant" }).focus();
  const focused = await focusAfter(page, "[aria-label='Revoke: Bash make one']");
  await press(page, "Enter");
  assert.match(await (await focused()).innerText(), /make two/, "the focus stays in the list");
  assert.deepEqual((await api.get("/api/v1/grants")).map(({ question }) => question.command), ["make two"]);
  assert.equal((await api.decide("coder", { command: "make one" })).decision, "requires_approval");
  await item(page, "make one").waitFor();
  const [{ grant_id }] = await api.get("/api/v1/grants");
  await api.request("DELETE", `/api/v1/grants/${grant_id}`);
  await panel(page, "Grants").getByText("Nothing stands approved").waitFor();
});

test("who answers what somebody else has answered is told so, where he is", async (t) => {
  const { page, api, ids: [first, second] } = await open(t, { commands: ["make one", "make two"], allow: [CONFLICT] });
  await item(page, "make one").getByRole("button", { name: "Approve" }).click();
  await api.request("POST", `/api/v1/approvals/${first}/deny`, { reason: "not now" });
  await item(page, "make one").getByText("Answered meanwhile by local: denied (not now). Your answer does not count.").waitFor();
  await page.getByRole("button", { name: "Take it off the list" }).click();
  await item(page, "make one").waitFor({ state: "detached" });
  assert.ok(await isFocused(item(page, "make two")));

  // Faster than any event: the server itself is asked, and refuses.
  await page.route("**/approve", async (route) => {
    await api.request("POST", `/api/v1/approvals/${second}/deny`);
    await route.fallback();
  });
  await press(page, "a", "Enter");
  const told = item(page, "make two").getByRole("alert");
  await told.getByText("Answered meanwhile by local: denied. Your answer does not count. Request").waitFor();
  assert.match(await told.locator("code").innerText(), /^[0-9a-f]{32}$/);
  assert.equal((await read(api, second)).status, "denied");
});

test("what nobody answers in time says so, also to who was about to answer", async (t) => {
  const { page, api } = await open(t, { args: ["--approval-timeout", "8s"] });
  const { approval_id: id } = await api.decide("coder", { command: "make one" });
  await item(page, "make one").getByRole("button", { name: "Approve" }).click();
  await item(page, "make one").getByText("Nobody answered in time: it counts as denied.").waitFor();
  assert.equal((await read(api, id)).status, "expired");
  await press(page, "Escape");
  await page.getByText("Nothing waits for an answer.").waitFor();
  await panel(page, "Answered").getByRole("listitem").filter({ hasText: "make one" }).getByText("expired").waitFor();
});

test("an answer that fails says why where it was given, and can be given again", async (t) => {
  let isBroken = true;
  const { page, api, ids: [id] } = await open(t, {
    commands: ["make one"], allow: [/status of 500/],
    prepare: (each) => each.route("**/approve", (route) => (isBroken ? route.fulfill({
      status: 500, headers: { "X-Request-Id": "abc123" }, json: { detail: "The disk is full" },
    }) : route.fallback())),
  });
  await press(page, "j", "a", "y", "Enter");
  const alert = item(page, "make one").getByRole("alert");
  await alert.getByText("The disk is full Request abc123").waitFor();
  isBroken = false;
  await alert.getByRole("button", { name: "Try again" }).click();
  await item(page, "make one").waitFor({ state: "detached" });
  const { status, reason } = await read(api, id);
  assert.deepEqual({ status, reason }, { status: "approved", reason: "y" });
});

test("the details have an address, tell how it was decided, and are answered from", async (t) => {
  const { page, api, ids: [first, second] } = await open(t, { commands: ["make one", "make two"] });
  const drawer = page.getByRole("complementary", { name: "Approval: Bash" });
  await press(page, "j", "Enter");
  await page.waitForURL(`**/approvals?approval=${first}`);
  await drawer.getByText("requires_approval: true").first().waitFor();
  await drawer.locator(".checks").getByText("agent: coder").waitFor();
  const { audit_seq } = await read(api, first);
  const record = drawer.getByRole("link", { name: String(audit_seq), exact: true });
  assert.equal(await record.getAttribute("href"), `/dashboard/audit?record=${audit_seq}`);
  await assertAccessible(page);
  await press(page, "ArrowDown");
  await page.waitForURL(`**/approvals?approval=${second}`);
  await drawer.getByText("make two").first().waitFor();
  await press(page, "l", "Enter");
  await drawer.getByText("approved for always").waitFor();
  assert.equal((await read(api, second)).scope, "always");
  await drawer.evaluate((element) => element.contains(document.activeElement)
    || new Promise((resolve) => element.addEventListener("focusin", resolve, { once: true })));
  await page.reload();
  await drawer.getByText("approved for always").waitFor();
  await press(page, "Escape");
  await drawer.waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).search, "");
});

test("who may only look sees why there is nothing to press", async (t) => {
  const server = await testServer(t, "serve", "--require-token");
  const create = async (role) => JSON.parse(await server.run("token", "create", "--role", role, "--name", role, "--json")).secret;
  const [viewer, admin] = [await create("viewer"), await create("admin")];
  const page = await testPage(t, browser, server, { allow: [/401 \(Unauthorized\)/] });
  const post = (path, data) => page.request.post(new URL(path, server.url).href, { data, headers: { authorization: `Bearer ${admin}` } });
  await post("/api/v1/agents/", {
    name: "coder", role: "developer", capabilities: ["coding"], rbac_allowed_tools: ["Bash"], rbac_path_scopes: ["src/**"],
    rbac_requires_approval: true, budget_max_tokens_per_session: 1_000, budget_max_cost_per_day: 1, metadata_category: "foundry",
  });
  await page.goto(`/login?next=${PAGE}`);
  await page.getByLabel("Token").fill(viewer);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Your token may look and not answer").waitFor();
  assert.ok((await post("/api/v1/policy/decide", { agent: "coder", tool: "Bash", command: "make one" })).ok());
  await item(page, "make one").focus();
  await press(page, "a");
  assert.equal(await item(page, "make one").getByRole("button").count(), 0);
  assert.equal(await page.getByRole("form").count(), 0);
});

// A browser that lets the page notify when it is asked, keeps what it is told, and can be put out of sight.
const notifying = (page) => page.addInitScript(() => {
  globalThis.told = [];
  globalThis.isHidden = false;
  Object.defineProperty(Document.prototype, "hidden", { get: () => globalThis.isHidden });
  globalThis.Notification = class {
    static permission = sessionStorage.getItem("permission") ?? "default";
    static requestPermission() {
      this.permission = "granted";
      sessionStorage.setItem("permission", "granted");
      return Promise.resolve("granted");
    }
    constructor(title, options) { globalThis.told.push(Object.assign(this, { title, ...options })); }
    close() { this.isClosed = true; }
  };
});

test("a browser that was asked to tells of what waits while the page is out of sight, and leads to it", async (t) => {
  const { page, api } = await open(t, { prepare: notifying });
  const told = () => page.evaluate(() => globalThis.told.map(({ title, body }) => ({ title, body })));
  const hide = (isHidden) => page.evaluate((value) => {
    globalThis.isHidden = value;
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
  const waitFor = (count) => page.waitForFunction((wanted) => globalThis.told.length === wanted, count);
  await page.getByRole("switch", { name: "Notify me in this browser" }).check();
  await page.reload();
  await settled(page);
  assert.ok(await page.getByRole("switch").isChecked(), "this browser remembers it");
  await api.decide("coder", { command: "make seen" });
  await item(page, "make seen").waitFor();
  assert.deepEqual(await told(), [], "who looks needs no notification");
  await hide(true);
  const { approval_id } = await api.decide("coder", { command: "make unseen" });
  await waitFor(1);
  assert.deepEqual(await told(), [{ title: "coder asks for approval", body: "Bash make unseen\nrequires_approval: true" }]);
  await page.evaluate(() => globalThis.told[0].onclick());
  await page.waitForURL(`**/approvals?approval=${approval_id}`);
  const { approval_id: other } = await api.decide("coder", { command: "make more" });
  await waitFor(2);
  await api.request("POST", `/api/v1/approvals/${other}/deny`);
  await page.waitForFunction(() => globalThis.told[1].isClosed);
  await hide(false);
  await page.getByRole("switch").uncheck();
  await hide(true);
  await api.decide("coder", { command: "make last" });
  await titled(page, "(3) Approvals – agentmap");
  assert.equal((await told()).length, 2);
});

test("what cannot be read is not taken for nothing, and trying again shows it", async (t) => {
  let isBroken = true;
  const { page } = await open(t, {
    commands: ["make one"], allow: [/status of 500/],
    prepare: (each) => each.route("**/approvals?status=pending*", (route) => (isBroken
      ? route.fulfill({ status: 500, json: { detail: "The disk is gone" } }) : route.fallback())),
  });
  await panel(page, "Waiting for an answer").getByText("The disk is gone").waitFor();
  assert.equal(await page.getByText("Nothing waits for an answer.").count(), 0);
  isBroken = false;
  await panel(page, "Waiting for an answer").getByRole("button", { name: "Try again" }).click();
  await item(page, "make one").waitFor();
});
