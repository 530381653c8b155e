// What arrives while the map is shown: which agents it concerns, the last event of each, and the newest of all.

import { signal } from "../../core/view.js";
import { events as feed } from "../../core/feed.js";
import { agentById, agentByName } from "../../core/fleet.js";
import { listen } from "../../core/stream.js";

const LONGEST = 300; // of a message
const SHOW_MS = 120; // the newest event is shown at most so often

const agentOf = ({ metadata, agentName }) => agentById(metadata?.agent_id) ?? agentByName(agentName);

export class News {
  #last = new Map(); // by the agent's id: {type, timestamp, message}; records are large, and fleets are
  #end;
  #timer = null;
  #shownAt = 0;

  // The newest event, or null.
  newest = signal(null);

  // Calls `onEvents` with `[agent_id, type]` of all events of a frame.
  constructor(onEvents) {
    for (const event of feed) this.#take(event);
    this.#end = listen((events) => {
      const pairs = events.map((event) => this.#take(event)).filter((pair) => pair !== null);
      if (pairs.length === 0) return;
      onEvents(pairs);
      const told = events.findLast(({ message }) => message);
      const wait = this.#shownAt + SHOW_MS - performance.now();
      clearTimeout(this.#timer);
      if (wait <= 0) this.#show(told);
      else this.#timer = setTimeout(() => this.#show(told), wait);
    });
  }

  end() {
    this.#end();
    clearTimeout(this.#timer);
  }

  lastEventOf = (id) => this.#last.get(id);

  #take(event) {
    if (event.type === "reset") this.#last.clear();
    if (event.type === "agent_deleted") {
      this.#last.delete(event.metadata?.agent_id);
      return null;
    }
    const id = agentOf(event)?.agent_id;
    if (id === undefined) return null;
    const { type, timestamp, message } = event;
    this.#last.set(id, { type, timestamp, message: String(message ?? "").slice(0, LONGEST) });
    return [id, event.type];
  }

  #show(event) {
    this.#shownAt = performance.now();
    if (event) this.newest.value = event;
  }
}
