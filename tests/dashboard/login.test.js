// A server that wants a token: the reader logs in and is where he was, and logs out.

import assert from "node:assert/strict";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { startServer, testServer } from "./server.js";
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

test("a reader logs out by the rail and by the palette, and only who logged in can", async (t) => {
  const { secret } = JSON.parse(await server.run("token", "create", "--role", "viewer", "--name", "leaver", "--json"));
  const page = await testPage(t, browser, server, { allow: [REFUSED] });
  const logIn = async () => {
    await page.goto("/login?next=/dashboard/agents");
    await page.getByLabel("Token").fill(secret);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL("**/dashboard/agents");
  };
  const isOut = async () => {
    await page.waitForURL("**/login");
    await page.getByText("This server wants a token").waitFor();
    assert.equal((await page.request.get(new URL("/api/v1/agents/brief", server.url).href)).status(), 401);
  };
  await logIn();
  const button = page.getByRole("navigation", { name: "Pages" }).getByRole("button", { name: "Log out" });
  await button.waitFor();
  assert.equal(await button.getAttribute("title"), "Log out leaver (viewer)");
  await assertAccessible(page);
  await button.focus();
  await page.keyboard.press("Enter");
  await isOut();
  await logIn();
  await button.waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Find an agent or a page" }).fill("log out");
  await page.keyboard.press("Enter");
  await isOut();
});

test("where nobody logged in there is no way out", async (t) => {
  const open = await testServer(t, "serve", "--seed-if-empty", "sample");
  const page = await testPage(t, browser, open);
  const asked = page.waitForResponse("**/api/v1/session");
  await page.goto("/dashboard/");
  assert.equal((await (await asked).json()).session, false);
  await page.getByRole("button", { name: "Help" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Log out" }).count(), 0);
});
