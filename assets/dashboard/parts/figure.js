// One key figure: what it is of, its value, and what to read beside it.

import { html } from "../core/view.js";

export const Figure = ({ label, value, beside, title }) => html`
  <div class="figure"><span class="label clip" title=${label}>${label}</span>
    <span class="value" title=${title}>${value}</span>
    <span class="beside">${beside}</span></div>`;
