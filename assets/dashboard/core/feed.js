// The newest events of the stream, for every feed on the page.

import { effect, signal } from "./view.js";
import { listen, origin } from "./stream.js";

export const KEPT = 2_000; // with their records, some MB

// Oldest first, with the stream's gaps. The array is one and the same all the time; `arrived` changes whenever it did.
export const events = [];

// How many were received in all, gaps counted as one each.
export const arrived = signal(0);

export function start() {
  // What came before the page was opened, so that a feed does not begin empty.
  effect(() => {
    if (origin.value === null) return;
    events.splice(0, events.length, ...origin.value.events);
    arrived.value = arrived.peek() + events.length;
  });
  listen((batch) => {
    const added = batch.filter(({ type }) => type !== "reset");
    events.push(...added);
    if (events.length > KEPT) events.splice(0, events.length - KEPT);
    arrived.value += added.length;
  });
}
