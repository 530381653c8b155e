// A server that wants a token: the reader logs in and is where he was, and logs out.

import assert from "node:assert/strict";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer } from "./server.js";
import { after, before, test } from "./testing.js";

const REFUSED = /401 \(Unauthorized\)/;

let server, browser;
before(async () => {
  server = await startServer("serve", "--seed-if-empty", "sample", "--require-token");
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test("a reader logs in, is where he was, and logs out", async (t) => {
  const { secret } = JSON.parse(await server.run("token", "create", "--role", "viewer", "--name", "eyes", "--json"));
  const page = await testPage(t, browser, server, { allow: [REFUSED] });
  await page.goto("/dashboard/agents?q=test");
  await page.waitForURL("**/login?next=*");
  await assertAccessible(page);
  await page.getByLabel("Token").fill("agentmap_wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("There is no such token").waitFor();
  await page.getByLabel("Token").fill(secret);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL("**/dashboard/agents?q=test");
  await page.getByRole("heading", { level: 1, name: "Agents" }).waitFor();
  await page.goto("/login?next=//evil.example/");
  await page.getByText("You are eyes (viewer)").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("This server wants a token").waitFor();
  assert.equal((await page.request.get(new URL("/api/v1/agents/brief", server.url).href)).status(), 401);
});
