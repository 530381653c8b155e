// All shortcuts that act right now.

import { html } from "../core/view.js";
import { areLettersOn, OVERLAY, shortcuts, switchLetters } from "../core/keys.js";
import { Overlay } from "./overlay.js";

export function Help({ onClose }) {
  const shown = shortcuts.value.filter(({ group }) => group !== OVERLAY);
  // Two tables on a page have the same keys.
  const once = new Map(shown.map((each) => [`${each.keys} ${each.label}`, each]));
  const groups = Map.groupBy(once.values(), ({ group }) => group);
  return html`
    <${Overlay} label="Keyboard shortcuts" class="help" onClose=${onClose}>
      <div class="row"><h2>Keyboard shortcuts</h2><span class="spring" /><button class="button quiet" onClick=${onClose}>Close</button></div>
      ${[...groups].map(([group, list]) => html`<${Group} key=${group} name=${group} list=${list.map(({ keys, label }) => [keys, label])} />`)}
      <label class="row"><input type="checkbox" checked=${areLettersOn.value} onChange=${({ target }) => switchLetters(target.checked)} />
        Single letters act as shortcuts</label>
    </${Overlay}>`;
}

function Group({ name, list }) {
  return html`
    <section class="stack" aria-label=${name}>
      <h3>${name}</h3>
      <dl>${list.map(([keys, label]) => html`
        <dt key=${keys}>${keys.split(" ").filter(Boolean).map((key) => html`<span class="keycap">${key.replace("Mod+", "Ctrl ")}</span> `)}</dt>
        <dd>${label}</dd>`)}</dl>
    </section>`;
}
