// What may be long, cut until the reader asks for the rest.

import { html, useState } from "../core/view.js";
import { focusOn } from "../core/focus.js";
import { exact } from "../core/format.js";

const MOST_CHARACTERS = 400;
const MOST_ITEMS = 24;

// The button goes, and the focus to what it stood behind.
const More = ({ onMore, children }) => html`
  <button class="link small" onClick=${({ currentTarget }) => { focusOn(currentTarget.previousElementSibling); onMore(); }}>${children}</button>`;

// A text as its writer left it.
export function LongText({ text }) {
  const [isWhole, setWhole] = useState(false);
  const isCut = text.length > MOST_CHARACTERS && !isWhole;
  return html`<span class="long">${isCut ? `${text.slice(0, MOST_CHARACTERS)}…` : text}</span>
    ${isCut && html` <${More} onMore=${() => setWhole(true)}>show all</${More}>`}`;
}

// A list of which `children(items)` shows the first.
export function LongList({ items, most = MOST_ITEMS, children }) {
  const [isWhole, setWhole] = useState(false);
  const isCut = items.length > most && !isWhole;
  return html`${children(isCut ? items.slice(0, most) : items)}
    ${isCut && html` <${More} onMore=${() => setWhole(true)}>and ${exact(items.length - most)} more</${More}>`}`;
}
