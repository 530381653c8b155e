// Copies text, and says so.

import { html, useState } from "../core/view.js";
import { announce } from "../core/announce.js";
import { icon } from "./icon.js";

// Without a secure context (http:// on another host than this) a browser has no clipboard: a selected field serves.
export async function copy(text) {
  const isDone = await navigator.clipboard?.writeText(text).then(() => true, () => false) || copyFromField(text);
  announce(isDone ? "Copied" : "This browser does not let pages copy");
}

function copyFromField(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "hidden-text";
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return isDone;
}

export function CopyButton({ text, label = "Copy" }) {
  const [isDone, setDone] = useState(false);
  const run = async () => {
    await copy(text());
    setDone(true);
    setTimeout(() => setDone(false), 1_500);
  };
  return html`<button class="button quiet" onClick=${run}>${icon("copy")}${isDone ? "Copied" : label}</button>`;
}
