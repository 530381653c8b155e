// What stands beside every drawing: its figures as a table, and as a file.

import { html } from "../core/view.js";
import { csv, download } from "./csv.js";
import { icon } from "./icon.js";

// `onTable(isTable)` is told what the reader wants; `lines()` are those of the file.
export function FigureButtons({ title, isTable, onTable, lines }) {
  const save = () => download(`${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.csv`, csv(lines()));
  return html`
    <button class="button quiet icon" aria-pressed=${isTable} aria-label="${title}: figures as a table"
      title="Figures as a table" onClick=${() => onTable(!isTable)}>${icon("table")}</button>
    <button class="button quiet icon" aria-label="${title}: download as CSV" title="Download as CSV"
      onClick=${save}>${icon("download")}</button>`;
}
