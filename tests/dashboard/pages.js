// Every page of the dashboard.

import { streaming } from "./wait.js";

// `path` may ask the API; `action` begins before the page opens, and its end is waited for.
export const PAGES = [
  { name: "overview", path: "/dashboard/" },
  { name: "approvals", path: somethingToAnswer },
  { name: "agents", path: "/dashboard/agents" },
  { name: "agent", path: busiestAgent },
  { name: "activity", path: "/dashboard/activity", action: streaming },
  { name: "audit", path: "/dashboard/audit" },
  { name: "cost", path: "/dashboard/cost" },
  { name: "quality", path: "/dashboard/quality" },
  { name: "map", path: "/dashboard/map" },
];

export const pathOf = ({ path }, api) => (typeof path === "function" ? path(api) : path);

async function busiestAgent(api) {
  const [agent] = await api.get("/api/v1/agents/?sort=-cost_used_today&limit=1");
  return `/dashboard/agents/${agent.agent_id}`;
}

const QUESTIONS = [
  { command: "git push origin main", estimated_cost_usd: 0.02 },
  { command: "rm -rf build/ && git push --force origin release/2.4", cwd: "/srv/checkout", session_id: "s-2" },
  { tool: "Write", path: "src/payments/ledger.rs", command: undefined },
  { command: "terraform destroy -target=module.staging", estimated_cost_usd: 12.5 },
  { command: "git push origin main --tags", session_id: "s-3" },
];

// Some operations that wait, one that was answered, and one that stands approved; of an agent that others are not.
async function somethingToAnswer(api) {
  const name = "release-manager";
  const agents = await api.get("/api/v1/agents/brief?limit=2500");
  if (agents.some((agent) => agent.name === name)) return "/dashboard/approvals";
  await api.createAgent({ name, rbac_allowed_tools: ["Bash", "Write"], rbac_requires_approval: true });
  const asked = [];
  for (const question of QUESTIONS) asked.push((await api.decide(name, question)).approval_id);
  await api.request("POST", `/api/v1/approvals/${asked.at(-1)}/approve`, { scope: "always", reason: "tags are harmless" });
  await api.request("POST", `/api/v1/approvals/${asked.at(-2)}/deny`, { reason: "staging is in use until Friday" });
  return "/dashboard/approvals";
}
