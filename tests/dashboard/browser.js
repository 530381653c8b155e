// Chromium, and pages that fail their test when anything on them goes wrong.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { atEnd } from "./testing.js";
import { PATIENCE_MS } from "./wait.js";

// A browser with a profile of its own, which ends with it. One serves all tests of a file.
export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"],
    timeout: PATIENCE_MS,
  });
}

// A page in a profile of its own, whose relative URLs are the server's. `options` are Playwright's of a context.
export async function newPage(browser, server, options = {}) {
  const context = await browser.newContext({
    baseURL: server.url,
    locale: "en-US",
    timezoneId: "UTC",
    reducedMotion: "reduce",
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return context.newPage();
}

// A page for one test, which fails at its end if the page logged an error or a warning (what the browser refuses by
// the Content-Security-Policy is one), threw, failed to load something, or asked another origin for anything.
// `allow` holds the patterns of what the test provokes.
export async function testPage(t, browser, server, { allow = [], ...options } = {}) {
  const page = await newPage(browser, server, options);
  const problems = watch(page.context(), new URL(server.url).host);
  atEnd(t, async () => {
    await page.context().close();
    const unexpected = problems.filter((problem) => !allow.some((pattern) => pattern.test(problem)));
    assert.deepEqual(unexpected, [], "the page has problems");
  });
  return page;
}

function watch(context, host) {
  const problems = [];
  const isForeign = (url) => /^(https?|wss?):/.test(url) && new URL(url).host !== host;
  context.on("console", (message) => {
    if (!["error", "warning", "assert"].includes(message.type())) return;
    problems.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => problems.push(`error: ${error.error().stack}`));
  context.on("request", (request) => {
    if (isForeign(request.url())) problems.push(`foreign request: ${request.url()}`);
  });
  context.on("requestfailed", (request) => {
    const reason = request.failure().errorText;
    // A page may change its mind, and leaves what is under way when it is left.
    if (reason !== "net::ERR_ABORTED") problems.push(`failed request: ${request.url()} ${reason}`);
  });
  const follow = (page) => page.on("websocket", (socket) => {
    if (isForeign(socket.url())) problems.push(`foreign request: ${socket.url()}`);
  });
  context.pages().forEach(follow);
  context.on("page", follow);
  return problems;
}
