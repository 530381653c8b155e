// The time as of which relative times are shown: it moves every few seconds, for all of them at once.

import { signal } from "./view.js";

const STEP_MS = 5_000;

// ms since 1970.
export const now = signal(Date.now());

export function start() {
  setInterval(() => { if (!document.hidden) now.value = Date.now(); }, STEP_MS);
  document.addEventListener("visibilitychange", () => { now.value = Date.now(); });
}
