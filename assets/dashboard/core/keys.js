// Keyboard shortcuts: each is registered by the part that acts on it, while it is shown.

import { read, write } from "./storage.js";
import { signal, useLayoutEffect, useRef } from "./view.js";

const SEQUENCE_MS = 1_200;
const LETTERS = "agentmap.letters";

// The group of the shortcuts of what lies over the page.
export const OVERLAY = "Overlay";

// What is registered, the oldest first: `{group, keys, label, run}`. `keys` are names as KeyboardEvent.key has them,
// `Mod+k` with Ctrl or Command, two after each other as `g a`.
export const shortcuts = signal([]);

// Whether keys without Ctrl or Command act: speech input types letters by accident (WCAG 2.1.4).
export const areLettersOn = signal(read(LETTERS, true));

export function switchLetters(isOn) {
  areLettersOn.value = isOn;
  write(LETTERS, isOn ? undefined : false);
}

// Registers shortcuts for as long as the component is shown: `[{keys, label, run}]`. A later one with the same keys
// comes first; `run` may return false to let the next have it.
export function useShortcuts(group, list) {
  const current = useRef(list);
  current.current = list;
  const names = list.map(({ keys, label }) => `${keys} ${label}`).join("\n");
  useLayoutEffect(() => {
    const added = list.map(({ keys, label }, index) => ({
      group, keys, label, run: (event) => current.current[index]?.run(event),
    }));
    shortcuts.value = [...shortcuts.peek(), ...added];
    return () => { shortcuts.value = shortcuts.peek().filter((known) => !added.includes(known)); };
  }, [group, names]);
}

let first = null; // of a sequence
let firstAt = 0;

const isWriting = (target) =>
  target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
  (target.tagName === "INPUT" && !/^(checkbox|radio|button|range)$/.test(target.type));

function press(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey || !event.key) return;
  const isMod = event.ctrlKey || event.metaKey;
  const isNamed = event.key.length > 1;
  if (!isMod && event.key !== "Escape" && isWriting(event.target)) return;
  if (!isMod && !isNamed && !areLettersOn.value) return;
  const key = isMod ? `Mod+${event.key.toLowerCase()}` : event.key;
  const sequence = first !== null && performance.now() - firstAt < SEQUENCE_MS ? `${first} ${key}` : null;
  first = null;
  if (run(sequence, event) || run(key, event)) {
    event.preventDefault();
  } else if (shortcuts.value.some(({ keys }) => keys.startsWith(`${key} `))) {
    [first, firstAt] = [key, performance.now()];
  }
}

function run(keys, event) {
  if (keys === null) return false;
  // What lies over the page keeps the keys to itself, but for those with Ctrl.
  const isOver = shortcuts.value.some(({ group }) => group === OVERLAY);
  const found = shortcuts.value.filter(({ keys: own, group }) =>
    own === keys && (!isOver || group === OVERLAY || keys.startsWith("Mod+"))).reverse();
  return found.some((known) => known.run(event) !== false);
}

export const start = () => addEventListener("keydown", press);
