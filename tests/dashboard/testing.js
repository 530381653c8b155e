// node:test with an end to everything: what waits for ever fails, is named, and lets the others go on.

import * as node from "node:test";
import { basename } from "node:path";

// Many times what the longest takes on a busy machine.
const TEST_MS = 180_000;
const END_MS = 90_000;

export const test = (name, run) => node.test(name, { timeout: TEST_MS }, run);
export const before = (run) => node.before(() => inTime(run));
export const after = (run) => node.after(() => inTime(run));

// The runner's own limit for these would not say of which file they are.
function inTime(run) {
  return new Promise((resolve, reject) => {
    const file = basename(process.argv[1]);
    const late = setTimeout(() => reject(new Error(`${file}: not done after ${END_MS} ms: ${run}`)), END_MS);
    Promise.resolve(run()).then(resolve, reject).finally(() => clearTimeout(late));
  });
}

const ends = new WeakMap(); // by test

// Ends what a test began: the last first, and all of it, also when one of them fails; the runner itself stops there.
export function atEnd(t, end) {
  const known = ends.get(t);
  if (known) {
    known.push(end);
    return;
  }
  const all = [end];
  ends.set(t, all);
  t.after(async () => {
    const failures = [];
    for (const each of all.toReversed()) await inTime(each).catch((failure) => failures.push(failure));
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures);
  });
}
