// The start of the dashboard: the frame around the pages.

import { computed, html, render, useEffect, useLayoutEffect, useRef, useState } from "./core/view.js";
import * as approvals from "./core/approvals.js";
import * as clock from "./core/clock.js";
import * as feed from "./core/feed.js";
import * as fleet from "./core/fleet.js";
import * as keys from "./core/keys.js";
import * as query from "./core/query.js";
import * as route from "./core/route.js";
import * as session from "./core/session.js";
import * as stream from "./core/stream.js";
import { announcement } from "./core/announce.js";
import { hrefInRange } from "./core/range.js";
import { chooseNext } from "./core/theme.js";
import { pageOf, PAGES, readAll } from "./pages.js";
import { Help } from "./parts/help.js";
import * as notifications from "./parts/notifications.js";
import { Empty, Problem, Skeleton } from "./parts/panel.js";
import { Palette } from "./parts/palette.js";
import { OfflineNote, Rail } from "./parts/rail.js";
import { Topline } from "./parts/topline.js";

// What is shown; of an agent's page the agent, as soon as the fleet is known.
const title = computed(() => {
  const { page, detail } = pageOf(route.path.value);
  if (page === null) return "No such page";
  if (!detail || fleet.fleet.value.isLoading) return page.name;
  return (fleet.agentById(detail) ?? fleet.agentByName(detail))?.display_name || page.name;
});

// Of a tab that is not looked at, how much waits is seen all the same.
const tabTitle = computed(() =>
  `${approvals.waiting.value > 0 ? `(${approvals.waiting.value}) ` : ""}${title.value} – agentmap`);

function App() {
  const [overlay, setOverlay] = useState(null);
  const { page, detail } = pageOf(route.path.value);
  const close = () => setOverlay(null);
  const help = () => setOverlay("help");
  keys.useShortcuts("Everywhere", [
    { keys: "Mod+k", label: "Find an agent or a page", run: () => setOverlay("palette") },
    { keys: "?", label: "Show the shortcuts", run: help },
    { keys: "t", label: "Change the theme", run: chooseNext },
    ...PAGES.map(({ key, name, path }) => ({
      keys: `g ${key}`, label: `Go to ${name}`, run: () => route.navigate(hrefInRange(path)),
    })),
  ]);
  useEffect(() => { document.title = tabTitle.value; }, [tabTitle.value]);
  useMovedFocus(route.path.value);
  const view = detail ? page?.detail : page?.view;
  const hasRange = page?.hasRange || Boolean(page?.detail && detail && detail !== "new");
  return html`
    <a class="skip" href="#page">Skip to the page</a>
    <${Rail} pages=${PAGES} current=${page} onHelp=${help} />
    <div class="main">
      <${Topline} title=${title.value} hasRange=${hasRange} onPalette=${() => setOverlay("palette")} />
      <${OfflineNote} />
      <main class="page" id="page" tabindex="-1" aria-labelledby="title">
        ${view ? html`<${View} key=${page.path + detail} view=${view} id=${detail} />` : html`<${NoSuchPage} />`}
      </main>
    </div>
    ${overlay === "palette" && html`<${Palette} pages=${PAGES} onClose=${close} onHelp=${help} />`}
    ${overlay === "help" && html`<${Help} onClose=${close} />`}
    <${Announcement} />`;
}

const Announcement = () => html`<div class="hidden-text" role="status" aria-live="polite">${announcement.value}</div>`;

// A page, as soon as its modules are there.
function View({ view, id }) {
  const { component: Page, error } = view.state.value;
  useEffect(() => { view.read(); }, [view]);
  if (Page) return html`<${Page} id=${id} />`;
  if (error) return html`<${Problem} error=${error} retry=${view.read} />`;
  return html`<div aria-busy="true"><${Skeleton} height=${innerHeight * 0.7} /></div>`;
}

// Another page begins at its start, also for those who do not see it; one that was left is found where it was left.
function useMovedFocus(path) {
  const shown = useRef(path);
  useLayoutEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    document.getElementById("page").focus({ preventScroll: true });
    scrollTo(0, route.keptTop());
  }, [path]);
}

const NoSuchPage = () => html`<${Empty}><p>There is no page at this address. <a href=${route.hrefOf("/")}>Overview</a></p></${Empty}>`;

for (const part of [route, keys, clock, query, fleet, approvals, notifications, feed, stream, session]) part.start();
const { page, detail } = pageOf(route.path.value);
(detail ? page?.detail : page?.view)?.read();
const container = document.getElementById("app");
container.replaceChildren();
render(html`<${App} />`, container);
// The other pages, so that going to one of them waits for nothing.
(globalThis.requestIdleCallback ?? setTimeout)(readAll);
