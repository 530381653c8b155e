// What a feed shows of the stream: the events that are wanted, oldest first, and among them the gaps.

import { signal } from "../../core/view.js";
import { KEPT } from "../../core/feed.js";

const FEW = 4; // events at once
const CALM_MS = 1_000;

export const isGap = ({ type }) => type === "gap";

// The places in the stream that an entry covers.
const firstOf = (entry) => (isGap(entry) ? entry.from : entry.seq);
export const lastOf = (entry) => (isGap(entry) ? entry.to : entry.seq);

export class Log {
  // What is shown.
  entries;
  // Moves with what is shown.
  version = signal(0);
  // How many events arrived that are not shown yet.
  waiting = signal(0);
  // What of the stream was looked through: the events from `low` to `high`.
  low;
  high;
  // The last place of the stream that is shown: those after it, to `high`, are held back.
  shownTo;

  #isWanted;
  #held = [];
  #news = Infinity;
  #floodedAt = -Infinity;
  // Whether some of what was held was let go: what is older is then read as all older events are.
  #isCut = false;

  // The wanted of some events, or of none: then of what comes after `high`.
  constructor(isWanted, events, high) {
    this.#isWanted = (entry) => isGap(entry) || isWanted(entry);
    this.entries = events.filter(this.#isWanted);
    this.low = events.length > 0 ? firstOf(events[0]) : high + 1;
    this.high = events.length > 0 ? lastOf(events.at(-1)) : high;
    this.shownTo = this.high;
  }

  // Takes what arrived, and holds it back while the reader reads.
  receive(batch, isHeld) {
    const added = batch.filter((entry) => lastOf(entry) > this.high && this.#isWanted(entry));
    if (isHeld && batch.length > 0 && firstOf(batch[0]) > this.high + 1) this.#isCut = true;
    for (const entry of batch) this.high = Math.max(this.high, lastOf(entry) ?? 0);
    if (!isHeld) this.shownTo = this.high;
    if (added.length === 0) return;
    if (isHeld) this.#hold(added);
    else this.#follow(added);
  }

  #hold(added) {
    this.#held.push(...added);
    if (this.#held.length > 2 * KEPT) { // twice, so that the array is not moved for each event
      this.#held = this.#held.slice(-KEPT);
      this.#isCut = true;
    }
    this.waiting.value += added.filter((entry) => !isGap(entry)).length;
  }

  // Whether few events come at once.
  get isCalm() {
    return performance.now() - this.#floodedAt > CALM_MS;
  }

  // Whether an event just came, while few do: where many come, it is no news that they do.
  isNews(entry) {
    return entry.seq >= this.#news && this.isCalm;
  }

  // Shows what was held back.
  release() {
    const held = this.#held;
    this.shownTo = this.high;
    if (this.#isCut) this.#drop(this.entries.length, held.length > 0 ? firstOf(held[0]) : this.high + 1);
    else if (held.length === 0) return;
    this.#held = [];
    this.#isCut = false;
    this.waiting.value = 0;
    if (held.length > 0) this.#follow(held);
    else this.version.value += 1;
  }

  #follow(added) {
    this.#news = firstOf(added[0]);
    if (added.length > FEW) this.#floodedAt = performance.now();
    this.entries.push(...added);
    const surplus = this.entries.length - KEPT;
    if (surplus > 0) this.#drop(surplus, firstOf(this.entries[surplus]));
    this.version.value += 1;
  }

  // Lets the oldest go. They are read again when the reader goes there.
  #drop(count, low) {
    this.entries.splice(0, count);
    this.low = low;
  }

  // Adds a page of what came before `before`, which was looked through from `low` on. Returns how many were wanted; none
  // where the oldest were let go while it was read: between them and the page would be a hole.
  addOlder(events, low, before) {
    if (before !== this.low) return 0;
    const older = events.filter((entry) => entry.seq < before && this.#isWanted(entry));
    this.entries.unshift(...older);
    this.low = Math.min(before, low);
    this.version.value += 1;
    return older.length;
  }

  // Adds a page of what came after, which was looked through up to `high`.
  addNewer(events, high) {
    const newer = events.filter((entry) => entry.seq > this.high && this.#isWanted(entry));
    this.entries.push(...newer);
    this.high = Math.max(this.high, high);
    this.version.value += 1;
    return newer.length;
  }

  // Puts into a gap what was read of it: the events after `gap.from - 1`, looked through up to `high`.
  fill(gap, events, high) {
    const place = this.entries.indexOf(gap);
    if (place < 0) return;
    const found = events.filter((entry) => entry.seq <= gap.to && this.#isWanted(entry));
    const rest = high < gap.to ? [{ ...gap, from: high + 1 }] : [];
    this.entries.splice(place, 1, ...found, ...rest);
    this.version.value += 1;
  }
}
