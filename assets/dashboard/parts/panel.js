// A part of a page that shows what was read from the server, with its own states of loading, failing and being empty.

import { html } from "../core/view.js";
import { handsFocusOn } from "../core/focus.js";

// `query` is what useQuery gave (or several of them); `children` a function of their data, called once there is some.
// `height` (px) is that of the content, and kept for it, so that nothing jumps when it arrives. `actions` sit at the right
// of the title.
export function Panel({ title, note, query, height = 120, actions, class: kind = "", children }) {
  const queries = [query].flat().filter(Boolean);
  const failed = queries.find(({ error }) => error);
  const isReady = queries.every(({ data }) => data !== undefined);
  const isOld = queries.some((each) => each.isOld);
  return html`
    <section class="panel ${kind}" aria-label=${title} data-old=${isOld || undefined} aria-busy=${!isReady && !failed}>
      ${title && html`<header><h2>${title}</h2>${note && html`<span class="note">${note}</span>`}
        <span class="spring" />${actions}</header>`}
      ${failed && html`<${Problem} error=${failed.error} retry=${failed.reload} />`}
      <div class="panel-body" style=${{ minHeight: `${height}px` }}>
        ${isReady && children(...queries.map(({ data }) => data))}
        ${!isReady && !failed && html`<${Skeleton} height=${height} />`}
      </div>
    </section>`;
}

export const Skeleton = ({ height }) => html`<div class="skeleton" style=${{ height: `${height}px` }} />`;

// What went wrong, where it went wrong, and a way to try again.
export function Problem({ error, retry }) {
  return html`
    <div class="problem row wrap" role="alert">
      <span>${error.message}${error.requestId && html` <span class="muted">Request <code>${error.requestId}</code></span>`}</span>
      ${retry && html`<button class="button" ref=${handsFocusOn} onClick=${retry}>Try again</button>`}
    </div>`;
}

// What to do when there is nothing yet.
export const Empty = ({ children }) => html`<div class="empty stack">${children}</div>`;
