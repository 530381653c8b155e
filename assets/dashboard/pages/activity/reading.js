// Reading what a log does not hold: the kept events, page by page in both directions.

import { signal } from "../../core/view.js";
import { request, urlOf } from "../../core/api.js";
import { EVENTS } from "../../core/stream.js";

const PAGE = 200;
const MOST = 1_000;
const ROUNDS = 5; // rare events: so many pages are looked through before the reader is asked

export class Reading {
  // Of each direction: idle, running, paused (nothing found so far), ended (for now), or the error.
  older = signal("idle");
  newer = signal("idle");
  // The oldest event that the server keeps, once it said so.
  firstKept = null;

  #log;
  #asked;

  // `asked` are the parameters of the filters that the server knows.
  constructor(log, asked) {
    this.#log = log;
    this.#asked = asked;
  }

  // Whether nothing older is kept.
  get isAtStart() {
    return this.firstKept !== null && this.#log.low <= this.firstKept;
  }

  // Reads older events. Returns how many were found.
  readOlder() {
    if (this.isAtStart) return 0;
    return this.#read(this.older, async (limit) => {
      const before = this.#log.low;
      const { events, previous_before, first_kept } = await this.#page({ before, limit });
      this.firstKept = first_kept;
      const found = this.#log.addOlder(events, previous_before ?? first_kept, before);
      return { found, isEnd: this.isAtStart };
    });
  }

  // Reads newer events, up to now. Returns how many were found.
  readNewer() {
    return this.#read(this.newer, async (limit) => {
      const { events, next_since, last_seq } = await this.#page({ since: this.#log.high, limit });
      return { found: this.#log.addNewer(events, next_since ?? last_seq), isEnd: next_since === null };
    });
  }

  // Reads what a gap left out, as much as one page holds.
  async fill(gap) {
    const { events, next_since } = await this.#page({ since: gap.from - 1, limit: MOST });
    this.#log.fill(gap, events, next_since ?? gap.to);
  }

  async #page(parameters) {
    const { body } = await request(urlOf(EVENTS, { ...this.#asked, ...parameters }));
    return body;
  }

  async #read(state, read) {
    if (state.peek() === "running") return 0;
    state.value = "running";
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { found, isEnd } = await read(round === 0 ? PAGE : MOST);
        if (isEnd) state.value = "ended";
        else if (found > 0) state.value = "idle";
        if (isEnd || found > 0) return found;
      }
      state.value = "paused";
    } catch (error) {
      state.value = error;
    }
    return 0;
  }
}
