// A reporter for `node --test`: when the run is ended from outside, it says which files had not ended by themselves.

import { basename } from "node:path";

export default async function* unended(events) {
  const running = new Set();
  process.on("exit", () => {
    if (running.size > 0) console.error(`Ended before ${[...running].join(", ")} had ended`);
  });
  for await (const { type, data } of events) {
    if (!data.name?.endsWith(".test.js")) continue; // a test in a file
    if (type === "test:dequeue") running.add(basename(data.name));
    if (type === "test:complete") running.delete(basename(data.name));
  }
}
