// Where the reader is: the page's path and its filters, both in the address, so that every view can be bookmarked.

import { computed, signal } from "./view.js";

const BASE = "/dashboard";

const address = signal(read());

function read() {
  const { pathname, search } = location;
  return { path: decoded(pathname.slice(BASE.length)).replace(/\/+$/, "") || "/", search, href: pathname + search };
}

// An address that is no valid encoding of a text stands for itself: it is no page, and says so.
function decoded(text) {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

// Says whether the reader is kept from leaving for an address, as with unsaved changes.
let isHeld = () => false;
const warn = (event) => event.preventDefault();

// Asks `holds(href)` before another address is shown, until the function that this returns is called. Who holds may
// let the reader go later: `navigate(href)` after the end. The browser itself asks before the tab is closed.
export function holdReader(holds) {
  isHeld = holds;
  addEventListener("beforeunload", warn);
  return () => {
    isHeld = () => false;
    removeEventListener("beforeunload", warn);
  };
}

// The page's path without the base: `/`, `/agents`, `/agents/{id}`.
export const path = computed(() => address.value.path);

const query = computed(() => new URLSearchParams(address.value.search));

// The value of a filter in the address, or null.
export const parameter = (name) => query.value.get(name);

// All values of a filter that may be given more than once, separated by commas.
export const parameters = (name) => (parameter(name) ?? "").split(",").filter(Boolean);

// The address of a page with some filters.
export function hrefOf(page, filters = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, value);
  }
  const text = search.toString();
  return `${BASE}${page}${text === "" ? "" : `?${text}`}`;
}

// The present page's address with some filters changed; null removes one.
export function hrefWith(changes) {
  const filters = Object.fromEntries(query.value);
  return hrefOf(path.value, { ...filters, ...changes });
}

// Goes to an address of the dashboard. `replace` leaves no step behind to go back to.
export function navigate(href, { replace = false } = {}) {
  if (href === address.peek().href || isHeld(href)) return;
  if (replace) {
    history.replaceState({ top: scrollY }, "", href);
  } else {
    keepTop();
    history.pushState(null, "", href);
  }
  address.value = read();
}

// How far down (px) the reader was at this step of the history; 0 at a new one. The browser's own way to go there comes
// before the page is drawn again.
export const keptTop = () => history.state?.top ?? 0;
const keepTop = () => history.replaceState({ top: scrollY }, "");

// Changes filters of the present page. Filters are no steps of their own unless `push` says so.
export const setParameters = (changes, { push = false } = {}) => navigate(hrefWith(changes), { replace: !push });

// Follows the browser's back and forward, and links within the dashboard without a reload.
export function start() {
  history.scrollRestoration = "manual";
  addEventListener("scrollend", keepTop);
  addEventListener("popstate", () => {
    const next = read();
    if (isHeld(next.href)) history.pushState(null, "", address.peek().href);
    else address.value = next;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || event.defaultPrevented || !isPlain || link.target || link.hasAttribute("download")) return;
    if (link.getAttribute("href").startsWith("#")) return; // a place on this page
    if (link.origin !== location.origin || !`${link.pathname}/`.startsWith(`${BASE}/`)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
