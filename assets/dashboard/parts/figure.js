// One key figure: what it is of, its value, and what to read beside it.

import { html } from "../core/view.js";

// `href` leads to what it is the figure of; `children` stand below, such as its course.
export const Figure = ({ label, href, value, beside, title, children }) => html`
  <div class="figure">
    ${href ? html`<a class="label" href=${href}>${label}</a>` : html`<span class="label clip" title=${label}>${label}</span>`}
    <span class="value" title=${title}>${value}</span>
    <span class="beside">${beside}</span>
    ${children}
  </div>`;
