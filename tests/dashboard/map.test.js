// The fleet map: what it paints, what it says of whom it points at, how one moves in it, and the same as a list.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer, testServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, settled, streaming } from "./wait.js";

const MAP = "/dashboard/map";
const LISTED = 100; // agents at most whose rows are compared one by one

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

const canvas = (page) => page.getByRole("application", { name: /^Map of/ });
const card = (page) => page.locator(".map-card");
const button = (page, name) => page.getByRole("button", { name, exact: true });

async function openMap(t, address = MAP, options = {}) {
  const page = await testPage(t, browser, server, options);
  await Promise.all([streaming(page), page.goto(address)]);
  await page.locator(".map-box:not([aria-busy=true])").waitFor();
  await settled(page);
  return page;
}

// Tells the page of each agent several times, under names of their own.
const largeFleet = (page) => page.route("**/api/v1/agents/brief?*", async (route) => {
  const response = await route.fetch();
  const agents = await response.json();
  const copies = Array.from({ length: 8 }, (_, copy) => agents.map((agent) => ({
    ...agent, agent_id: `${copy}${agent.agent_id.slice(1)}`, name: `${agent.name}-${copy}`,
  })));
  await route.fulfill({ response, json: copies.flat() });
});

// What is painted on the map's canvas of agents or, above it, of pulses: a fingerprint and how much of it is not blank.
// It is copied first: a browser warns of canvases that are read while they are painted on.
function painted(page, layer = 0) {
  return page.locator(".map-layer").nth(layer).evaluate((element) => {
    const copy = new OffscreenCanvas(element.width, element.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(element, 0, 0);
    const { data } = copy.getImageData(0, 0, element.width, element.height);
    let [hash, filled] = [0, 0];
    for (let index = 0; index < data.length; index += 4) {
      hash = (hash * 31 + data[index] + 3 * data[index + 1] + 7 * data[index + 2] + 11 * data[index + 3]) | 0;
      filled += data[index + 3] > 0;
    }
    return { hash, share: filled / (data.length / 4) };
  });
}

async function repainted(page, before) {
  for (;;) {
    const now = await painted(page);
    if (now.hash !== before.hash) return now;
    await page.evaluate(() => new Promise((done) => { requestAnimationFrame(done); }));
  }
}

// Moves the mouse over the map until it points at an agent, and returns where.
async function pointAtAgent(page, click = false) {
  const { x, y, width, height } = await canvas(page).boundingBox();
  for (let down = 0.2; down < 0.9; down += 0.05) {
    for (let right = 0.2; right < 0.9; right += 0.03) {
      const point = { x: x + width * right, y: y + height * down };
      await page.mouse.move(point.x, point.y);
      if ((await canvas(page).getAttribute("data-over")) !== "agent") continue;
      await card(page).waitFor();
      if (click) await page.mouse.click(point.x, point.y);
      return point;
    }
  }
  return assert.fail("there is no agent on the map");
}

const pathOf = (page) => new URL(page.url()).pathname;

test("the map is painted, in both themes", async (t) => {
  const page = await openMap(t);
  const light = await painted(page);
  assert.ok(light.share > 0.3, `${light.share} of the map is painted`);
  await page.emulateMedia({ colorScheme: "dark" });
  await repainted(page, light);
});

test("an agent that is pointed at shows who it is, within the window, and a click opens it", async (t) => {
  const page = await openMap(t);
  await pointAtAgent(page);
  const name = await card(page).locator("code").textContent();
  const agent = await api.get(`/api/v1/agents/name/${name}`);
  const text = await card(page).textContent();
  for (const told of [agent.display_name, agent.status, agent.role, agent.metadata.category]) assert.ok(text.includes(told), `${text} lacks ${told}`);
  const box = await card(page).boundingBox();
  assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 1440 && box.y + box.height <= 900);
  await pointAtAgent(page, true);
  await page.waitForURL(`**/agents/${agent.agent_id}`);
});

test("wheel, keys and buttons zoom and move; all of it comes back", async (t) => {
  const page = await openMap(t);
  const whole = await painted(page);
  const { x, y, width, height } = await canvas(page).boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.wheel(0, -600);
  let last = await repainted(page, whole);
  await canvas(page).focus();
  for (const key of ["+", "-", "ArrowLeft", "ArrowUp"]) {
    await page.keyboard.press(key);
    last = await repainted(page, last);
  }
  await page.mouse.down();
  await page.mouse.move(x + width / 2 + 120, y + height / 2 + 60);
  await page.mouse.up();
  last = await repainted(page, last);
  assert.equal(pathOf(page), MAP, "a drag opens nothing");
  await button(page, "Zoom in").click();
  last = await repainted(page, last);
  await button(page, "All").click();
  last = await repainted(page, last);
  assert.equal((await painted(page)).hash, whole.hash);
});

test("gestures before there is anything to see do nothing", async (t) => {
  const page = await testPage(t, browser, server);
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await page.route("**/api/v1/agents/activity?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(MAP);
  const { x, y, width, height } = await canvas(page).boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.wheel(0, -300);
  await page.mouse.down();
  await page.mouse.move(x + width / 3, y + height / 3, { steps: 4 });
  await page.mouse.up();
  await page.locator('.map-box[aria-busy="true"]').waitFor();
  release();
  await page.locator(".map-box:not([aria-busy=true])").waitFor();
  await settled(page);
  await pointAtAgent(page);
});

test("a large fleet whose layout fails says so, and is laid out when one tries again", async (t) => {
  const page = await testPage(t, browser, server, { allow: [/layout_worker\.js/] });
  await largeFleet(page);
  await page.route("**/layout_worker.js", (route) => route.abort());
  await page.goto(MAP);
  await page.getByRole("alert").filter({ hasText: "could not be laid out" }).waitFor();
  await page.unroute("**/layout_worker.js");
  await button(page, "Try again").click();
  await page.locator(".map-box:not([aria-busy=true])").waitFor();
  await page.getByRole("alert").waitFor({ state: "detached" });
  await settled(page);
  await pointAtAgent(page);
});

test("the keyboard alone walks over the agents and opens one", async (t) => {
  const page = await openMap(t);
  await canvas(page).focus();
  await page.keyboard.press("n");
  const first = await card(page).locator("code").textContent();
  await page.keyboard.press("n");
  await page.waitForFunction((name) => document.querySelector(".map-card code")?.textContent !== name, first);
  const { agent_id, display_name } = await api.get(`/api/v1/agents/name/${await card(page).locator("code").textContent()}`);
  await page.getByRole("status").filter({ hasText: `${display_name}, ` }).waitFor({ state: "attached" });
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/agents/${agent_id}`);
});

test("filters dim the others, and the list leaves them out", async (t) => {
  const page = await openMap(t);
  const whole = await painted(page);
  await page.getByRole("combobox", { name: "Category" }).selectOption("security");
  await repainted(page, whole);
  const matching = (await api.get("/api/v1/agents/?category=security&limit=500")).map(({ agent_id }) => agent_id);
  await page.getByText(`${matching.length} of `).waitFor();
  await button(page, "List").click();
  await page.waitForURL(/category=security.*view=list/);
  const links = await page.locator(".map-row a").evaluateAll((all) => all.map(({ href }) => href.split("/").at(-1)));
  assert.deepEqual(links.sort(), matching.sort());
});

test("the list holds every agent", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto(`${MAP}?view=list`);
  const agents = await api.get("/api/v1/agents/brief?limit=1000");
  await page.locator(".map-row").nth(agents.length - 1).waitFor();
  const rows = await page.locator(".map-row").evaluateAll((all) =>
    all.map((row) => [row.querySelector("a").href.split("/").at(-1), row.textContent]));
  assert.deepEqual(rows.map(([id]) => id).sort(), agents.map(({ agent_id }) => agent_id).sort());
  const texts = new Map(rows);
  for (const { agent_id, display_name, status } of agents.slice(0, LISTED)) {
    assert.ok(texts.get(agent_id).includes(display_name) && texts.get(agent_id).includes(status));
  }
});

test("the list adds up no amounts of different currencies", async (t) => {
  const page = await testPage(t, browser, server);
  const category = `currencies-${process.pid}`;
  for (const budget_currency of ["USD", "EUR"]) await api.createAgent({ metadata_category: category, budget_currency });
  await page.goto(`${MAP}?view=list&category=${category}`);
  const summary = page.locator('.map-group[data-level="category"] > summary');
  await summary.getByText("2 agents").waitFor();
  assert.match(await summary.textContent(), /USD 0.00 \+ EUR 0.00|EUR 0.00 \+ USD 0.00/);
});

test("a large fleet's list opens when a filter leaves few", async (t) => {
  const page = await testPage(t, browser, server);
  await largeFleet(page);
  await page.goto(`${MAP}?view=list`);
  await page.locator(".map-group").first().waitFor();
  assert.equal(await page.locator(".map-row").count(), 0);
  await page.getByRole("combobox", { name: "Category" }).selectOption("security");
  await page.locator(".map-row").first().waitFor();
});

test("an event is told and pulses at once", async (t) => {
  const page = await openMap(t);
  const [agent] = await api.get("/api/v1/agents/?limit=1");
  assert.equal((await painted(page, 1)).share, 0, "nothing pulses before");
  const reasons = ["held back", "not today", "out of scope", "after hours", "too dear"];
  await assertPrompt(async (attempt) => {
    const reason = reasons[attempt];
    const timeOfPulse = await awaitPulse(page, reason);
    const begun = Date.now();
    await api.recordEvent(agent.agent_id, { rbac_decision: "denied", rbac_reason: reason });
    return (await timeOfPulse()) - begun;
  });
});

// Begins to look for the moment when the line below the map holds a text and something is painted above the agents,
// which is soon over. Returns how to wait for that moment.
async function awaitPulse(page, text) {
  await page.evaluate((told) => {
    globalThis.pulsed = null;
    const layer = document.querySelectorAll(".map-layer")[1];
    const isPainted = () => {
      const copy = new OffscreenCanvas(layer.width, layer.height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(layer, 0, 0);
      return copy.getImageData(0, 0, layer.width, layer.height).data.some((byte) => byte > 0);
    };
    const look = () => {
      const now = Date.now();
      if (document.querySelector(".map-last").textContent.includes(told) && isPainted()) globalThis.pulsed = now;
      else requestAnimationFrame(look);
    };
    look();
  }, text);
  return async () => (await page.waitForFunction(() => globalThis.pulsed)).jsonValue();
}

test("a line joins who spawned with who was spawned, as soon as it happens", async (t) => {
  const page = await openMap(t);
  const before = await painted(page);
  const [from, to] = await api.get("/api/v1/agents/?limit=2");
  await api.recordEvent(from.agent_id, { operation_type: "agent_spawn", target_resource: to.name, target_type: "agent" });
  await page.getByText("Arrow: spawned").waitFor();
  await repainted(page, before);
});

test("a finger's first tap shows who it is, the second opens it", async (t) => {
  const page = await openMap(t, MAP, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { x, y, width, height } = await canvas(page).boundingBox();
  assert.ok(y + height <= 844, "the map is in the first screenful");
  await canvas(page).focus();
  await page.keyboard.press("n");
  const { x: left } = await card(page).boundingBox();
  assert.ok(left >= 0 && left + (await card(page).boundingBox()).width <= 390);
  await page.keyboard.press("Escape");
  for (let step = 1; step < 20 && (await card(page).count()) === 0; step += 1) {
    await page.touchscreen.tap(x + (width * step) / 20, y + height / 2);
  }
  await card(page).getByRole("link", { name: "Open" }).click();
  await page.waitForURL(/agents\/[0-9a-f-]{36}$/);
});

test("hostile names are text, on the map, the card and the list", async (t) => {
  const page = await openMap(t);
  const hostile = `<img src=x onerror=alert(1)>\u202egnp.${"W".repeat(150)}`;
  const name = `zzz-hostile-${process.pid}`;
  await api.createAgent({ name, display_name: hostile, metadata_category: "hostile", role: "developer" });
  await page.goto(`${MAP}?q=${name}`);
  await page.locator(".map-box:not([aria-busy=true])").waitFor();
  await page.getByText("1 of ").waitFor();
  await canvas(page).focus();
  await page.keyboard.press("n");
  const shown = await card(page).locator("b").textContent();
  assert.ok(shown.startsWith("<img src=x onerror=alert(1)>\\u202egnp."), shown);
  const { width } = await card(page).boundingBox();
  assert.ok(width <= 300);
  await button(page, "List").click();
  await page.locator(".map-row a").filter({ hasText: "<img src=x" }).waitFor();
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(inner <= outer, "the page is wider than the window");
});

test("the map and the list are accessible", async (t) => {
  const page = await openMap(t, `${MAP}?role=developer`);
  await assertAccessible(page);
  await button(page, "List").click();
  await page.locator(".map-row").first().waitFor();
  await assertAccessible(page);
});

test("without agents the page says how to get some, and shows them when they come", async (t) => {
  const empty = await testServer(t);
  const page = await testPage(t, browser, empty);
  await Promise.all([streaming(page), page.goto(MAP)]);
  await page.getByText("agentmap seed assets/identities").waitFor();
  await new Api(empty).createAgent();
  await page.locator(".map-box:not([aria-busy=true])").waitFor();
});
