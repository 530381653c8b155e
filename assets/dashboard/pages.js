// The pages: their addresses, names and keys. The modules of a page are read when it is first asked for, or when the
// browser has nothing else to do: the first page does not wait for those of the others.

import { waiting } from "./core/approvals.js";
import { signal } from "./core/view.js";

// `key` goes to the page after `g`. `hasRange` shows the shared time range. `detail` is what lies below the page. `waiting`
// is how many things on it wait for the reader.
export const PAGES = [
  { path: "/", name: "Overview", key: "o", icon: "overview", view: lazy(() => import("./pages/overview.js"), "Overview") },
  {
    path: "/approvals", name: "Approvals", key: "p", icon: "approvals", waiting,
    view: lazy(() => import("./pages/approvals.js"), "Approvals"),
  },
  {
    path: "/agents", name: "Agents", key: "a", icon: "agents", view: lazy(() => import("./pages/agents.js"), "Agents"),
    detail: lazy(() => import("./pages/agent.js"), "Agent"),
  },
  { path: "/activity", name: "Activity", key: "l", icon: "activity", view: lazy(() => import("./pages/activity.js"), "Activity") },
  { path: "/audit", name: "Audit", key: "u", icon: "audit", hasRange: true, view: lazy(() => import("./pages/audit.js"), "Audit") },
  { path: "/cost", name: "Cost", key: "c", icon: "cost", hasRange: true, view: lazy(() => import("./pages/cost.js"), "Cost") },
  {
    path: "/quality", name: "Quality", key: "q", icon: "quality", hasRange: true,
    view: lazy(() => import("./pages/quality.js"), "Quality"),
  },
  { path: "/map", name: "Map", key: "m", icon: "map", view: lazy(() => import("./pages/map.js"), "FleetMap") },
];

// A component that is read when it is needed: `state` is `{component, error}`, both null until it is known.
function lazy(load, name) {
  const state = signal({ component: null, error: null });
  let reading = null;
  const read = () => {
    reading ??= load().then(
      (module) => { state.value = { component: module[name], error: null }; },
      () => {
        reading = null;
        state.value = { component: null, error: new Error("This page's program could not be loaded.") };
      },
    );
    return reading;
  };
  return { state, read };
}

// Reads all pages, one after the other.
export async function readAll() {
  for (const { view, detail } of PAGES) {
    await view.read();
    await detail?.read();
  }
}

// The page of a path, and the rest of the path where it has one: `{page, detail}`.
export function pageOf(path) {
  const exact = PAGES.find((page) => page.path === path);
  if (exact) return { page: exact, detail: null };
  const [, head, ...rest] = path.split("/");
  const page = PAGES.find((each) => each.detail && each.path === `/${head}`);
  return { page: page ?? null, detail: rest.join("/") };
}
