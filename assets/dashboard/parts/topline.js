// The top line: where the reader is, the time range that the page's figures cover, and the way to everything else.

import { html } from "../core/view.js";
import { range, RANGES, choosePeriod } from "../core/range.js";
import { icon } from "./icon.js";
import { RangeDates } from "./range_dates.js";

export function Topline({ title, hasRange, onPalette }) {
  return html`
    <header class="topline">
      <h1 id="title">${title}</h1><span class="spring" />
      ${hasRange && html`<${RangeChoice} />`}
      <button class="button find" onClick=${onPalette}>
        <span class="row">${icon("search")}<span class="hint" aria-hidden="true">Find</span></span>
        <span class="hidden-text">Find an agent or a page</span><span class="keycap hint" aria-hidden="true">Ctrl K</span>
      </button>
    </header>`;
}

function RangeChoice() {
  const { period, label } = range.value;
  return html`
    <div class="range" role="group" aria-label="Time range">
      ${RANGES.map((known) => html`
        <button class="button" key=${known.period} aria-pressed=${known.period === period} title=${known.label}
          onClick=${() => choosePeriod(known.period)}>${known.period}</button>`)}
      <select aria-label="Time range" value=${period ?? ""} onChange=${({ target }) => choosePeriod(target.value)}>
        ${!period && html`<option value="">${label}</option>`}
        ${RANGES.map((known) => html`<option value=${known.period}>${known.period}</option>`)}
      </select>
      <${RangeDates} />
    </div>`;
}
