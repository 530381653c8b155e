// What holds for every page: accessible in both themes, operable by keyboard, no jumps, no overflow, hostile data as text.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { assertAccessible } from "./axe.js";
import { launchBrowser, testPage } from "./browser.js";
import { PAGES, pathOf } from "./pages.js";
import { startServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { settled } from "./wait.js";

const MARKUP = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;
const TURNED = "abc\u202edef\u2066ghi\u200f";
const LONG = "w".repeat(4096);

let server, browser, api;
before(async () => {
  server = await startServer("serve", "--seed-if-empty", "sample");
  browser = await launchBrowser();
  api = new Api(server);
  await seedHostile();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

// An agent, its metrics and operations whose every text is hostile, and which is the busiest of all; and one that asks.
async function seedHostile() {
  await askHostile();
  const { agent_id } = await api.createAgent({
    display_name: `${MARKUP}${TURNED}`,
    description: LONG,
    role: TURNED.slice(0, 64),
    role_reasoning: MARKUP,
    capabilities: [MARKUP, LONG.slice(0, 128)],
    rbac_allowed_tools: [MARKUP],
    metadata_category: MARKUP.slice(0, 64),
    metadata_tags: [MARKUP.slice(0, 64), TURNED],
  });
  for (const text of [MARKUP, TURNED, LONG]) {
    const context = { [text.slice(0, 1_000)]: text };
    await api.recordMetric(agent_id, {
      metric_type: text.slice(0, 64), cost_usd: 20, tokens_used: 5, quality_score: 0.3, code_violations: 3, execution_time_ms: 20,
      session_id: text.slice(0, 128), context,
    });
    await api.recordMetric(agent_id, { metric_type: "quality", quality_score: 0.3, code_violations: 3, context });
    for (const rbac_decision of ["allowed", "denied", "requires_approval"]) {
      await api.recordEvent(agent_id, {
        agent_name: text, agent_role: text, operation_type: text, operation_detail: text, target_resource: text, target_type: text,
        rbac_decision, rbac_reason: text, session_id: text, context,
      });
    }
  }
}

// Questions whose every text is hostile: some wait, some were answered, some stand approved.
async function askHostile() {
  const { name } = await api.createAgent({ role: MARKUP.slice(0, 64), rbac_allowed_tools: ["*"], rbac_requires_approval: true });
  for (const text of [MARKUP, TURNED, LONG]) {
    const question = { tool: text.slice(0, 1_024), command: undefined, target: text, session_id: text };
    const asked = [await api.decide(name, question), await api.decide(name, { ...question, session_id: `${text.slice(1)}-` })];
    assert.deepEqual(asked.map(({ decision }) => decision), ["requires_approval", "requires_approval"], asked[0].reason);
    await api.request("POST", `/api/v1/approvals/${asked[1].approval_id}/approve`, { scope: "session", reason: text });
  }
}

for (const shown of PAGES) {
  test(`${shown.name}: accessible in both themes`, async (t) => {
    const page = await testPage(t, browser, server);
    await page.goto(await pathOf(shown, api));
    await settled(page);
    await assertAccessible(page);
  });

  test(`${shown.name}: hostile data is text and breaks no layout, at any width`, async (t) => {
    for (const width of [360, 800, 1440]) {
      const page = await testPage(t, browser, server, { viewport: { width, height: 800 } });
      await page.goto(await pathOf(shown, api));
      await settled(page);
      const seen = await page.evaluate(() => ({
        title: document.title,
        made: document.querySelectorAll("main img, main script").length,
        wide: document.documentElement.scrollWidth - innerWidth,
      }));
      assert.ok(!seen.title.includes("broken") || seen.title.includes("<img"), "markup of an agent was run");
      assert.equal(seen.made, 0, "markup of an agent became elements");
      assert.ok(seen.wide <= 0, `the page is ${seen.wide} px wider than a window of ${width} px`);
      await page.close();
    }
  });

  test(`${shown.name}: every control is reached by Tab and shows its focus`, async (t) => {
    const page = await testPage(t, browser, server);
    await page.goto(await pathOf(shown, api));
    await settled(page);
    const controls = await page.evaluate(() => {
      const selector = "a[href], button, input, select, textarea, summary, [tabindex='0']";
      const isReachable = (element) => element.checkVisibility({ visibilityProperty: true }) && element.tabIndex >= 0 && !element.disabled;
      return [...document.querySelectorAll(selector)].filter(isReachable).length;
    });
    assert.ok(controls >= 10, `only ${controls} controls`);
    const reached = new Set();
    // Fewer than there are controls: lists that grow meanwhile must not make the test endless.
    for (let step = 0; step < Math.min(controls, 40); step += 1) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const element = document.activeElement;
        const { outlineStyle, boxShadow } = getComputedStyle(element);
        globalThis.seen ??= new Map();
        if (!globalThis.seen.has(element)) globalThis.seen.set(element, globalThis.seen.size);
        const name = element.outerHTML.slice(0, 120);
        return { id: globalThis.seen.get(element), name, isVisible: outlineStyle !== "none" || boxShadow !== "none" };
      });
      assert.ok(focus.isVisible, `the focus cannot be seen on ${focus.name}`);
      reached.add(focus.id);
    }
    assert.ok(reached.size >= Math.min(controls, 40) - 2, `Tab reaches ${reached.size} of ${controls} controls`);
  });

  test(`${shown.name}: nothing jumps while it loads`, async (t) => {
    const page = await testPage(t, browser, server);
    await page.addInitScript(() => {
      globalThis.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(await pathOf(shown, api));
    await settled(page);
    const shift = await page.evaluate(() => globalThis.shift);
    assert.ok(shift < 0.02, `the layout shifts by ${shift}`);
  });
}
