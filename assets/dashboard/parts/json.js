// A record as it is, to read and to copy.

import { html } from "../core/view.js";
import { CopyButton } from "./copy.js";

// Characters that a reader cannot see or that turn the text around them, shown by their code (Unicode TR 36).
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

// As JSON has it: one beyond the first 65,536 is written as two.
const escaped = (character) =>
  character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

export const visible = (text) => text.replace(UNSEEN, escaped);

export function Json({ value, title = "Record" }) {
  const text = visible(JSON.stringify(value, null, 2));
  return html`
    <section class="stack" aria-label=${title}>
      <div class="row"><h3>${title}</h3><span class="spring" /><${CopyButton} text=${() => text} label="Copy JSON" /></div>
      <pre class="json" tabindex="0">${text}</pre>
    </section>`;
}
