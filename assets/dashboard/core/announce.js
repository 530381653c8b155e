// What a screen reader is told, sparingly: the outcome of what the reader did, never the flow of events.

import { signal } from "./view.js";

const AGAIN_MS = 50; // emptied for so long, the same words twice are told twice

export const announcement = signal("");

export function announce(text) {
  announcement.value = "";
  setTimeout(() => { announcement.value = text; }, AGAIN_MS);
}
