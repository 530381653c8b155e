// Which columns of a table are shown: those that fit, or those that the reader chose.

import { html, signal, useLayoutEffect, useMemo } from "../core/view.js";
import { isListOfTexts, read, write } from "../core/storage.js";
import { icon } from "./icon.js";
import { Menu } from "./menu.js";

const KEY = "agentmap.columns";
export const DEFAULT_WIDTH = "minmax(80px, 1fr)";

// By table: the keys of the columns that the reader wants, and of those that are shown.
const chosen = signal(read(KEY, {}, (value) => typeof value === "object" && Object.values(value).every(isListOfTexts)));
const shown = signal({});

function choose(table, keys) {
  chosen.value = { ...chosen.value, [table]: keys };
  write(KEY, chosen.value);
}

// The least width of a column in px: the first number in its width.
export const leastWidth = ({ width = DEFAULT_WIDTH }) => Number(/\d+/.exec(width));

// The columns to show in so many px: those that were chosen; else those of priority 1, and of the others, those of a
// low priority first, as many as fit.
export function useColumns(table, columns, width) {
  const wanted = chosen.value[table];
  const keys = (wanted ? columns.filter(({ key }, index) => index === 0 || wanted.includes(key)) : fitting(columns, width))
    .map(({ key }) => key).join();
  useLayoutEffect(() => {
    shown.value = { ...shown.peek(), [table]: keys.split(",") };
  }, [table, keys]);
  return useMemo(() => columns.filter(({ key }) => keys.split(",").includes(key)), [columns, keys]);
}

function fitting(columns, width) {
  let rest = width;
  const fits = new Set();
  for (const column of columns.toSorted((a, b) => (a.priority ?? 1) - (b.priority ?? 1))) {
    rest -= leastWidth(column);
    if (rest < 0 && (column.priority ?? 1) > 1) break;
    fits.add(column);
  }
  return columns.filter((column) => fits.has(column));
}

// Those of the columns that the table shows right now.
export const shownColumns = (table, columns) =>
  columns.filter(({ key }) => (shown.value[table] ?? []).includes(key));

// A menu to choose them. The first column names the row and stays.
export function ColumnChoice({ table, columns }) {
  const keys = shownColumns(table, columns).map(({ key }) => key);
  const turn = (key, isOn) => choose(table, isOn ? [...keys, key] : keys.filter((each) => each !== key));
  return html`
    <${Menu} label=${html`${icon("columns")}Columns`}>
      ${columns.slice(1).map(({ key, label }) => html`
        <label class="row" key=${key}>
          <input type="checkbox" checked=${keys.includes(key)} onChange=${({ target }) => turn(key, target.checked)} />
          ${label}
        </label>`)}
      <button class="button" disabled=${!chosen.value[table]} onClick=${() => choose(table, undefined)}>As many as fit</button>
    </${Menu}>`;
}
