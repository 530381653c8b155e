// Activity: the live feed, held still while it is read, filtered, and gone back in time.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { delayUntilShown, settled, streaming } from "./wait.js";

const PATH = "/dashboard/activity";
const SERVER_AWAY = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection/;
const HOSTILE = `<img src=x onerror=alert(1)>\u202eevil${"W".repeat(2_000)}`;

let server, browser, api, named = 0;
before(async () => {
  server = await startServer();
  browser = await launchBrowser();
  api = new Api(server);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const unique = (what) => `${what}-${process.pid}-${++named}`;
const lines = (page) => page.locator(".virtual-row");
const line = (page, text) => lines(page).filter({ hasText: text });

async function open(page, address = PATH) {
  await Promise.all([streaming(page), page.goto(address)]);
  await page.getByRole("status").getByText("live", { exact: true }).first().waitFor({ state: "attached" });
  await settled(page); // the stream may be there before the page, which takes the keys
}

// Operations of a session of their own: targets `first` to `last`.
async function recordMany(session, count, fields = {}) {
  const targets = Array.from({ length: count }, (_, index) => `${session}/${String(index).padStart(3, "0")}`);
  await api.recordEvents(targets.map((target_resource) => ({
    agent_name: "walker", operation_type: "tool_use", operation_detail: "Write", target_resource, target_type: "file",
    rbac_decision: "allowed", session_id: session, ...fields,
  })));
  return targets;
}

// The targets that the page shows of those of a session, from the top.
const targetsShown = (page, session) => page.evaluate((wanted) => {
  const found = [...document.querySelectorAll(".virtual-row")]
    .sort((a, b) => a.dataset.index - b.dataset.index).map((row) => row.textContent);
  return found.flatMap((text) => text.match(new RegExp(`${wanted}/\\d{3}`)) ?? []);
}, session);

// Scrolls to one end of the feed, again whenever it grew, until a text is there.
const scrollUntilShown = (page, end, text) => page.waitForFunction(([where, wanted]) => {
  const list = document.querySelector("#feed");
  list.scrollTop = where === "top" ? 0 : list.scrollHeight;
  return list.textContent.includes(wanted);
}, [end, text]);

const seqsOf = async (session) => {
  const { events } = await api.get(`/api/v1/events/stream?session_id=${session}&limit=1000`);
  return events.map(({ seq }) => seq);
};

test("an empty feed tells the command that makes the first event, and it does", async (t) => {
  const page = await testPage(t, browser, server);
  await open(page);
  const command = await page.locator(".empty code").textContent();
  assert.ok(command.startsWith(`curl ${server.url.replace(/\/$/, "")}/api/v1/events/ingest `), command);
  await assertAccessible(page);
  const [, body] = /-d '(.*)'$/.exec(command);
  await api.request("POST", "/api/v1/events/ingest", JSON.parse(body));
  await line(page, JSON.parse(body).target_resource).waitFor();
});

test("an event is on the page in under 200 ms", async (t) => {
  const page = await testPage(t, browser, server);
  await open(page);
  const delays = [];
  let target;
  for (let round = 0; round < 5; round += 1) {
    target = unique("src/new");
    delays.push(await delayUntilShown(page, ".virtual-row", target, () =>
      api.recordEvent("walker", { target_resource: target, rbac_decision: "denied", cost_usd: 0.25 })));
  }
  // The median: a busy machine may pause any one of them.
  assert.ok(delays.toSorted((a, b) => a - b)[2] < 200, `they took ${delays} ms`);
  const text = await line(page, target).innerText();
  for (const part of ["walker", "operation denied", "Write", "USD 0.25"]) assert.ok(text.includes(part), `${part} in ${text}`);
});

test("a paused feed counts what arrives, and shows all of it in order when it goes on", async (t) => {
  const page = await testPage(t, browser, server, { viewport: { width: 1440, height: 1800 } });
  await open(page);
  await page.keyboard.press("p");
  const session = unique("paused");
  const targets = await recordMany(session, 30);
  await page.getByRole("button", { name: "30 new" }).waitFor();
  assert.deepEqual(await targetsShown(page, session), []);
  await page.keyboard.press("p");
  await line(page, targets.at(-1)).waitFor();
  assert.deepEqual(await targetsShown(page, session), targets.reverse());
  assert.equal(await page.getByRole("button", { name: /new$/ }).count(), 0);
});

test("a paused feed stays at its place when its filters change", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("place");
  const before = await recordMany(session, 2);
  await open(page, `${PATH}?session=${session}`);
  await line(page, before[1]).waitFor();
  await page.keyboard.press("p");
  const later = await recordMany(`${session}/later`, 3, { session_id: session });
  await page.getByRole("button", { name: "3 new" }).waitFor();
  await page.getByRole("button", { name: "Remove the filter Session" }).click();
  await page.waitForURL((url) => !url.search.includes("session"));
  await page.getByRole("button", { name: "3 new" }).waitFor();
  assert.deepEqual(await targetsShown(page, session), before.toReversed());
  assert.equal(await line(page, later[0]).count(), 0);
  await page.getByRole("button", { name: "3 new" }).click();
  await line(page, later[2]).waitFor();
});

test("a feed whose first events cannot be read says so, and goes on when they can", async (t) => {
  const page = await testPage(t, browser, server, { allow: [/Failed to load resource/, /events\/stream/] });
  const [target] = await recordMany(unique("first"), 1);
  await page.route("**/api/v1/events/stream?*", (route) => route.abort());
  await page.goto(PATH);
  await page.getByRole("alert").filter({ hasText: "cannot be read" }).getByRole("button", { name: "Try again" }).click();
  await page.unroute("**/api/v1/events/stream?*");
  await line(page, target).waitFor();
});

test("a paused feed loses nothing of more than it holds", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("flood");
  await open(page, `${PATH}?session=${session}`);
  await page.keyboard.press("p");
  for (let batch = 0; batch < 5; batch += 1) await recordMany(session, 1_000);
  await page.getByRole("button", { name: "5,000 new" }).waitFor();
  await page.keyboard.press("p");
  await line(page, `${session}/999`).first().waitFor();
  await page.locator("#feed").focus();
  // To the oldest: what was let go is read again on the way.
  await scrollUntilShown(page, "end", "Nothing came before");
  assert.equal(await lines(page).first().getAttribute("aria-setsize"), "5001"); // and the line that says so
});

test("a page of older events that comes late leaves no hole", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("late");
  await recordMany(session, 300);
  let release, isAsked;
  const held = new Promise((resolve) => { release = resolve; });
  const asked = new Promise((resolve) => { isAsked = resolve; });
  await page.route("**/api/v1/events/stream?*before=*", async (route) => {
    isAsked();
    await held;
    await route.continue();
  });
  await open(page, `${PATH}?session=${session}`);
  await line(page, `${session}/299`).waitFor();
  await page.locator("#feed").evaluate((list) => { list.scrollTop = list.scrollHeight; });
  await asked;
  await page.locator("#feed").evaluate((list) => { list.scrollTop = 0; });
  for (const part of ["a", "b", "c"]) await recordMany(`${session}/${part}`, 900, { session_id: session });
  await line(page, `${session}/c/899`).waitFor();
  assert.equal(await lines(page).first().getAttribute("aria-setsize"), "2001"); // the older were let go
  release();
  await scrollUntilShown(page, "end", "Nothing came before");
  assert.equal(await lines(page).first().getAttribute("aria-setsize"), "3001");
});

test("a feed holds still while it is read, and says how much is new", async (t) => {
  const page = await testPage(t, browser, server);
  await open(page);
  const [first, second, third] = [unique("read"), unique("read"), unique("read")];
  await api.recordEvent("walker", { target_resource: first });
  await line(page, first).hover();
  await api.recordEvent("walker", { target_resource: second });
  await page.getByRole("button", { name: "1 new" }).waitFor();
  assert.equal(await line(page, second).count(), 0);
  await page.mouse.move(0, 0);
  await line(page, second).waitFor();
  await page.locator("#feed").focus();
  await api.recordEvent("walker", { target_resource: third });
  await page.getByRole("button", { name: "1 new" }).click();
  await line(page, third).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Pause");
});

test("Enter runs what a row offers, and the focus stays on the feed", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("enter");
  const targets = await recordMany(session, 3);
  const [first] = await seqsOf(session);
  await open(page, `${PATH}?since=${first - 1}&session=${session}`);
  await line(page, "This is all up to now").waitFor();
  assert.equal(await page.locator("#feed :is(a, button:not([tabindex='-1']))").count(), 0);
  await page.locator("#feed").focus();
  await page.keyboard.press("Home");
  const later = unique("later");
  await api.recordEvent("walker", { target_resource: later, session_id: session });
  await page.keyboard.press("Enter");
  await line(page, later).waitFor();
  await api.recordEvent("walker", { target_resource: `${later}-still`, session_id: session });
  await page.locator("#feed").evaluate((list) => { list.scrollTop = 0; });
  await page.getByRole("option").getByText("Look again").click();
  await line(page, `${later}-still`).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "feed");
  await line(page, targets[0]).waitFor();
});

test("filters in the address choose the events, and chips remove them", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("filtered");
  const [allowed, denied, asks] = ["allowed", "denied", "asks"].map((name) => `${session}-${name}`);
  const record = (target_resource, rbac_decision) => api.recordEvent("filter-walker", { target_resource, rbac_decision, session_id: session });
  await record(allowed, "allowed");
  await record(denied, "denied");
  await record(asks, "requires_approval");
  await open(page, `${PATH}?session=${session}&decision=refused`);
  await line(page, denied).waitFor();
  await line(page, asks).waitFor();
  assert.equal(await line(page, allowed).count(), 0);
  await page.goto(`${PATH}?type=operation_allowed,operation_denied&agent=filter-walker&q=${session.toUpperCase()}`);
  await line(page, allowed).waitFor();
  await line(page, denied).waitFor();
  assert.equal(await line(page, asks).count(), 0);
  await page.getByRole("button", { name: "Remove the filter Event" }).click();
  await line(page, asks).waitFor();
  assert.ok(!page.url().includes("type="));
});

test("the details open by click and by address, step by arrows and close by Esc", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("details");
  const targets = await recordMany(session, 3);
  const seqs = await seqsOf(session);
  await open(page, `${PATH}?session=${session}`);
  await line(page, targets[2]).click();
  const drawer = page.locator(".drawer");
  await drawer.getByRole("heading", { name: /^Event / }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("event"), String(seqs[2]));
  for (const target of targets) await drawer.locator(".session-lines").getByText(target).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.waitForURL((url) => url.searchParams.get("event") === String(seqs[1]));
  await drawer.locator(".facts").getByText(targets[1]).waitFor();
  await page.keyboard.press("ArrowUp");
  await page.waitForURL((url) => url.searchParams.get("event") === String(seqs[2]));
  await settled(page);
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "feed");

  await page.goto(`${PATH}?q=nothing-like-that&event=${seqs[0]}`);
  await drawer.locator(".facts").getByText(targets[0]).waitFor();
  const { hash } = (await api.get(`/api/v1/events/audit?session_id=${session}`)).at(-1);
  await drawer.getByText(hash).first().waitFor();
  await page.goto(`${PATH}?session=${session}&q=${targets[0]}&event=${seqs[1]}`);
  await line(page, targets[0]).waitFor();
  await drawer.locator(".facts").getByText(targets[1]).waitFor();
  await drawer.getByRole("button", { name: "Previous" }).click();
  await page.getByText("No newer event").waitFor({ state: "attached" });
  assert.equal(new URL(page.url()).searchParams.get("event"), String(seqs[1]));
  await drawer.getByRole("button", { name: "Next" }).click();
  await page.waitForURL((url) => url.searchParams.get("event") === String(seqs[0]));
  await page.goto(`${PATH}?event=999999999`);
  await drawer.getByText("There is no such event yet").waitFor();
});

test("the feed goes on after the server was away, without gap or repeat", async (t) => {
  const page = await testPage(t, browser, server, { allow: [SERVER_AWAY], viewport: { width: 1440, height: 1800 } });
  const session = unique("restart");
  await open(page, `${PATH}?session=${session}`);
  const before = await recordMany(session, 3);
  await line(page, before[2]).waitFor();
  await server.stop();
  try {
    await page.getByText("The server cannot be reached since").waitFor();
  } finally {
    await server.start(); // the other tests need it
  }
  const more = await recordMany(`${session}`, 8);
  await page.locator('.connection[data-phase="live"]').waitFor();
  await line(page, more[7]).waitFor();
  assert.deepEqual(await targetsShown(page, session), [...before, ...more].reverse());
});

test("gaps are shown, and what is still kept of them is loaded", async (t) => {
  const page = await testPage(t, browser, server);
  const session = unique("gap");
  let latest, isAway = false, ahead = 0;
  await page.routeWebSocket("**/activity/stream*", (socket) => {
    if (isAway) {
      socket.close();
      return;
    }
    latest = socket;
    socket.connectToServer().onMessage((text) => {
      const frame = JSON.parse(text);
      if (frame.type === "stats") frame.data.last_seq += ahead;
      socket.send(JSON.stringify(frame));
    });
  });
  await open(page);
  await recordMany(session, 1);
  await line(page, `${session}/000`).waitFor();
  const [last] = await seqsOf(session);

  isAway = true;
  await latest.close();
  await page.getByText("The server cannot be reached since").waitFor();
  await recordMany(session, 1_000);
  await recordMany(session, 100);
  [isAway, ahead] = [false, 50_000]; // as if the page had been away for much longer
  await page.waitForFunction(() => { // at once, not when the page would have tried again
    dispatchEvent(new Event("online"));
    return document.querySelector(".connection").dataset.phase !== "offline";
  });
  const gapFrom = (from) => line(page, `Events ${from.toLocaleString("en")} to`).filter({ hasText: "not loaded" });
  await gapFrom(last + 1).getByRole("button", { name: "Load them" }).click();
  await gapFrom(last + 1_001).getByRole("button", { name: "Load them" }).click();
  await line(page, `${session}/099`).first().waitFor();

  ahead = 0;
  await page.goto(PATH);
  await page.locator('.connection[data-phase="live"]').waitFor();
  latest.send(JSON.stringify({ type: "gap", from: last + 1_101, to: last + 1_105 }));
  await line(page, /^Events [\d,]+ to [\d,]+ are not kept any more/).waitFor();
});

test("hostile text shows as text and breaks nothing", async (t) => {
  const page = await testPage(t, browser, server, { viewport: { width: 360, height: 800 } });
  const session = unique("hostile");
  await api.recordEvent(undefined, {
    agent_name: HOSTILE, operation_detail: HOSTILE, target_resource: HOSTILE, rbac_reason: HOSTILE, session_id: session,
    rbac_decision: "denied", context: { [HOSTILE]: HOSTILE },
  });
  await open(page, `${PATH}?session=${session}`);
  await line(page, "<img src=x").click();
  await page.locator(".drawer .json").waitFor();
  await page.locator(".session-lines").waitFor();
  assert.equal(await page.locator("main img").count(), 0);
  for (const part of ["#feed", ".drawer"]) {
    assert.ok(!(await page.locator(part).textContent()).includes("\u202e"), `${part} reorders what stands beside it`);
  }
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page does not scroll sideways");
});

test("going back in time shows what was then, and leads back", async (t) => {
  const page = await testPage(t, browser, server);
  const [agent_name, old, recent] = [unique("traveller"), unique("old"), unique("recent")];
  await recordMany(old, 300, { agent_name });
  await recordMany(recent, 300, { agent_name });
  const [first] = await seqsOf(recent);
  await open(page, `${PATH}?since=${first - 1}&agent=${agent_name}`);
  await line(page, `${recent}/000`).waitFor();
  await line(page, `${old}/299`).waitFor();
  await scrollUntilShown(page, "top", `${recent}/299`);
  await page.getByText("This is all up to now").waitFor();
  await scrollUntilShown(page, "end", `${old}/000`);

  await page.getByText("Back in time").click();
  await page.getByRole("button", { name: "5 min ago", exact: true }).click();
  await page.waitForURL((url) => url.searchParams.get("since") !== String(first - 1));
  await page.getByRole("link", { name: "Back to live" }).click();
  await page.getByText("Following").waitFor();
  const target = unique("src/live");
  await api.recordEvent(agent_name, { target_resource: target });
  await line(page, target).waitFor();
});
