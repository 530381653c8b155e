// The page loads without a problem and shows who is there.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { assertPrompt, delayUntilShown, streaming } from "./wait.js";

const SERVER_AWAY = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

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

async function agentsShown(page) {
  const { total_agents } = await api.get("/api/v1/agents/stats/summary");
  assert.ok(total_agents > 0);
  await page.locator("main").getByText(new RegExp(`\\b${total_agents}\\b`)).first().waitFor();
}

test("the first page shows how many agents there are", async (t) => {
  const page = await testPage(t, browser, server);
  const response = await page.goto("/dashboard/");
  assert.equal(response.status(), 200);
  assert.match(response.headers()["content-security-policy"], /default-src 'self'/);
  await agentsShown(page);
});

test("the browser is told at once of every module and style that all pages need", async (t) => {
  const page = await testPage(t, browser, server);
  const initiated = [];
  const tools = await page.context().newCDPSession(page);
  await tools.send("Network.enable");
  tools.on("Network.requestWillBeSent", ({ request, initiator }) => {
    if (/\.(js|css)$/.test(request.url)) initiated.push([new URL(request.url).pathname, initiator.type]);
  });
  await page.goto("/dashboard/");
  await agentsShown(page);
  assert.ok(initiated.length > 30, `${initiated.length} files`);
  assert.deepEqual(initiated.filter(([path, by]) => by !== "parser" && !path.startsWith("/dashboard/pages/")), []);
});

test("the first page is accessible", async (t) => {
  const page = await testPage(t, browser, server);
  await page.goto("/dashboard/");
  await agentsShown(page);
  await assertAccessible(page);
});

test("the first page comes back after the server was away", async (t) => {
  const page = await testPage(t, browser, server, { allow: [SERVER_AWAY] });
  await page.goto("/dashboard/");
  await agentsShown(page);
  await server.restart();
  await api.createAgent();
  await agentsShown(page);
});

test("news is on the first page at once", async (t) => {
  const page = await testPage(t, browser, server);
  await Promise.all([streaming(page), page.goto("/dashboard/")]);
  await assertPrompt(() => {
    const name = `newcomer-${Date.now()}`;
    return delayUntilShown(page, "main", name, () => api.createAgent({ name }));
  });
});
