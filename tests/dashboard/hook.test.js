// The hook, the server and the dashboard together: the real program asks as a runtime would have it ask, and a person answers
// in the browser.

import assert from "node:assert/strict";
import { Api } from "./api.js";
import { launchBrowser, testPage } from "./browser.js";
import { testServer } from "./server.js";
import { after, before, test } from "./testing.js";
import { settled, streaming } from "./wait.js";

let browser;
before(async () => { browser = await launchBrowser(); });
after(() => browser?.close());

const PROJECT = "/home/me/project";

// An event of a subagent that is about to use a tool.
const beforeTool = (tool_name, tool_input, agent_type = "coder") => ({
  hook_event_name: "PreToolUse", session_id: "s-1", cwd: PROJECT, agent_type, tool_name, tool_input, tool_use_id: "toolu_1",
});

async function open(t, path, fields) {
  const server = await testServer(t, "serve");
  const api = new Api(server);
  await api.createAgent({ name: "coder", rbac_allowed_tools: ["Bash", "Write"], ...fields });
  const page = await testPage(t, browser, server);
  await Promise.all([streaming(page), page.goto(path)]);
  await settled(page);
  return { server, api, page };
}

test("a write outside of the scopes is blocked with its rule, and the page tells of it", async (t) => {
  const { server, page } = await open(t, "/dashboard/activity");
  const denied = await server.hook(beforeTool("Write", { file_path: `${PROJECT}/../other/a.rs` }));
  assert.equal(denied.permissionDecision, "deny");
  assert.match(denied.permissionDecisionReason, /outside the project/);
  await page.getByText("coder").first().waitFor();
  await page.getByText(/other\/a\.rs/).first().waitFor();
  const allowed = await server.hook(beforeTool("Write", { file_path: `${PROJECT}/src/a.rs` }));
  assert.equal(allowed.permissionDecision, "allow");
});

test("the hook waits until a person answers in the browser", async (t) => {
  const { server, page } = await open(t, "/dashboard/approvals");
  for (const [command, key, decision] of [["git push origin main", "a", "allow"], ["rm -rf build", "d", "deny"]]) {
    const answer = server.hook(beforeTool("Bash", { command }), "--wait", "60");
    const item = page.getByRole("feed", { name: "Waiting for an answer" }).getByRole("article").filter({ hasText: command });
    await item.focus();
    await page.keyboard.press(key);
    await page.getByRole("form").getByRole("textbox").waitFor();
    await page.keyboard.type("as agreed");
    await page.keyboard.press("Enter");
    const { permissionDecision, permissionDecisionReason } = await answer;
    assert.equal(permissionDecision, decision);
    if (decision === "deny") assert.match(permissionDecisionReason, /a person denied it: as agreed/);
    await item.waitFor({ state: "detached" });
  }
});

test("an agent whose budget runs out is stopped, and the page says so", async (t) => {
  const { server, api, page } = await open(t, "/dashboard/", { budget_max_cost_per_day: 2 });
  const ask = () => server.hook(beforeTool("Write", { file_path: `${PROJECT}/src/a.rs` }));
  assert.equal((await ask()).permissionDecision, "allow");
  const { agent_id } = await api.get("/api/v1/agents/name/coder");
  await api.recordMetric(agent_id, { cost_usd: 2.5 });
  const denied = await ask();
  assert.equal(denied.permissionDecision, "deny");
  assert.match(denied.permissionDecisionReason, /budget agent: max_cost_per_day/);
  await page.getByRole("region", { name: "Needs you", exact: true }).getByText("Budget exceeded").first().waitFor();
  await api.request("POST", `/api/v1/budgets/agent:${agent_id}/raise`, { cost_usd: 5 });
  assert.equal((await ask()).permissionDecision, "allow");
});
