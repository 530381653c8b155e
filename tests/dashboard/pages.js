// Every page of the dashboard.

import { streaming } from "./wait.js";

// `path` may ask the API; `action` begins before the page opens, and its end is waited for.
export const PAGES = [
  { name: "overview", path: "/dashboard/" },
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
