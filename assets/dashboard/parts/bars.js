// A ranking or a distribution as bars; a bar may be a link.

import { html } from "../core/view.js";

// `items` are `{key, label, value, text, href, color, isChosen}`: `text` says the value in words, `href` makes the bar
// a link. A bar is as long as its value's part of `top`, without one of the largest.
export function Bars({ items, label, color = "var(--accent)", top = Math.max(...items.map(({ value }) => value)) }) {
  const length = (value) => (value > 0 && top > 0 ? `max(2px, ${Math.min(100, (value / top) * 100)}%)` : "0");
  const bar = ({ label: name, value, text, color: own = color }) => html`
    <span class="clip" title=${name}>${name}</span><span class="number">${text ?? value}</span>
    <span class="measure"><span style=${{ width: length(value), background: own }} /></span>`;
  return html`
    <ul class="bars" aria-label=${label}>
      ${items.map((item) => html`<li key=${item.key}>${item.href
        ? html`<a class="bar" href=${item.href} aria-current=${item.isChosen ? "true" : undefined}>${bar(item)}</a>`
        : html`<div class="bar">${bar(item)}</div>`}</li>`)}
    </ul>`;
}
