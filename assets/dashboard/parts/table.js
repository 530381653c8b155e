// A table of any length: only the rows in view are in the page. The keyboard moves a current cell within it; the focus
// stays on the table itself, so that scrolling never loses it (WAI-ARIA Authoring Practices, grid).

import { html, memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../core/view.js";
import { useShortcuts } from "../core/keys.js";
import { parameter, setParameters } from "../core/route.js";
import { announce } from "../core/announce.js";
import { copy } from "./copy.js";
import { DEFAULT_WIDTH, leastWidth, useColumns } from "./columns.js";
import { icon } from "./icon.js";

export const ROW_PX = 36;
const SPARE_ROWS = 8; // above and below, so that a fast scroll shows no blank
const MARK_PX = 36;
const MARKS_FROM_PX = 640; // narrower tables have no room for boxes to select rows with
const HELD_MS = 2_000; // rows whose figures tick change their places at most so often
const places = new Map(); // by table and address: where the reader was, for when they come back; the oldest first
const MOST_PLACES = 100;

function keepPlace(at, place) {
  places.delete(at);
  places.set(at, place);
  if (places.size > MOST_PLACES) places.delete(places.keys().next().value);
}

// Columns are `{key, label, width, value(row), cell(row), text(row), number, priority, unsorted}`: `width` as CSS grid has
// it, in px; `value` is what is sorted by, copied and exported; `cell` is what is shown, else `text`, else the value;
// `priority`: those of 1 are always shown, of the others as many as fit, the lowest first. A row is drawn again when it
// or `columns` is another object, so what its cells show beside it belongs in there (or in components of their own).
//
// `rows` are in the order to show; `list` is a text that changes when they are those of another question, which begins
// at its top. `onOpen(row)` acts on Enter and click, `onEdit(row)` on e, `onSelect(rows)` on x and the boxes; `selected` is
// the key of the row whose details are open, or a set of the keys that were selected.
export function Table({
  name, label, columns: all, rows, rowKey, onOpen, onEdit, onSelect, selected, onEnd, height, list = "",
  sortName = "sort", fallback, isSorted = true,
}) {
  const box = useRef(null);
  const [size, setSize] = useState({ width: 1_200, height: 600 });
  const [top, setTop] = useState(0);
  const place = useRef(null);
  place.current = `${name} ${location.pathname}${location.search}`;
  const [current, setCurrent] = useState(() => places.get(place.current)?.current ?? { key: null, row: 0, column: 0 });
  const hasMarks = Boolean(onSelect) && size.width >= MARKS_FROM_PX;
  const columns = useColumns(name, all, size.width - (hasMarks ? MARK_PX : 0));
  const sort = parameter(sortName) ?? fallback;
  const question = `${list} ${sort}`;
  const asked = useRef(question);

  useLayoutEffect(() => {
    const grid = box.current;
    const observer = new ResizeObserver(([{ contentRect: { width, height: tall } }]) => setSize({ width, height: tall }));
    observer.observe(grid);
    grid.scrollTop = places.get(place.current)?.top ?? 0;
    return () => observer.disconnect();
  }, []);
  const keep = (next) => keepPlace(place.current, { top: box.current.scrollTop, current: next });
  const goTo = (next) => {
    setCurrent(next);
    keep(next);
  };
  useLayoutEffect(() => {
    if (asked.current === question) return;
    asked.current = question;
    box.current.scrollTop = 0;
    goTo({ key: null, row: 0, column: current.column });
  }, [question]);
  useLayoutEffect(() => { keep(current); }, [place.current]);

  const seen = Math.ceil(size.height / ROW_PX);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), rows.length - seen) - SPARE_ROWS);
  const last = Math.min(rows.length, first + seen + 2 * SPARE_ROWS);
  useEffect(() => { if (onEnd && last >= rows.length - SPARE_ROWS) onEnd(); }, [last, rows.length]);

  const row = placeOf(current, rows, rowKey);
  const column = Math.min(current.column, columns.length - 1);
  const cellId = (index, key) => `table-${name}-${index}-${key}`;
  const move = (toRow, toColumn = column) => {
    const next = Math.max(0, Math.min(rows.length - 1, toRow));
    const nextColumn = Math.max(0, Math.min(columns.length - 1, toColumn));
    const [above, below] = [next * ROW_PX, (next + 2) * ROW_PX - box.current.clientHeight];
    if (box.current.scrollTop > above) box.current.scrollTop = above;
    else if (box.current.scrollTop < below) box.current.scrollTop = below;
    goTo({ key: rowKey(rows[next]), row: next, column: nextColumn });
  };
  // What was opened by other means than this table, too.
  useEffect(() => {
    if (selected instanceof Set) return;
    const index = rows.findIndex((each) => rowKey(each) === selected);
    if (index >= 0) move(index);
  }, [selected]);
  useTableKeys({
    box, rows, row, column: columns[column], isNew: current.key === null, move, onOpen, onEdit, onSelect,
    sort, sortName, isSorted,
  });
  useLayoutEffect(() => {
    if (document.activeElement !== box.current) return; // nobody moved there: the page stays where it is
    document.getElementById(cellId(row, columns[column].key))?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [column]);

  const page = seen - 2;
  const moves = {
    ArrowDown: () => move(row + 1), ArrowUp: () => move(row - 1),
    PageDown: () => move(row + page), PageUp: () => move(row - page),
    Home: () => move(0), End: () => move(rows.length - 1),
    ArrowLeft: () => move(row, column - 1), ArrowRight: () => move(row, column + 1),
  };
  const onKeyDown = (event) => {
    if (event.target !== box.current || event.ctrlKey || event.metaKey || event.altKey || rows.length === 0) return;
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  };
  const onScroll = () => {
    keep(current);
    setTop(Math.floor(box.current.scrollTop / ROW_PX) * ROW_PX);
  };
  const onClick = ({ target }) => {
    const line = target.closest("[role=row]");
    const index = Number(line?.ariaRowIndex) - 2;
    if (!rows[index]) return;
    const cell = columns.findIndex(({ key }) => target.closest("[role=gridcell]")?.id === cellId(index, key));
    goTo({ key: rowKey(rows[index]), row: index, column: cell < 0 ? column : cell });
    if (target.closest("input")) {
      onSelect([rows[index]]);
      box.current.focus({ preventScroll: true });
    } else if (!target.closest("a, button") && String(getSelection()) === "") {
      onOpen?.(rows[index]);
    }
  };

  const template = `${hasMarks ? `${MARK_PX}px ` : ""}${columns.map(({ width = DEFAULT_WIDTH }) => width).join(" ")}`;
  const least = columns.reduce((sum, each) => sum + leastWidth(each), hasMarks ? MARK_PX : 0);
  const isSelected = (key) => (selected instanceof Set ? selected.has(key) : selected === key);
  const isShown = row >= first && row < last;
  return html`
    <div class="grid" id="table-${name}" role="grid" ref=${box} tabindex="0" aria-label=${label} aria-rowcount=${rows.length + 1}
      aria-multiselectable=${selected instanceof Set || undefined}
      aria-colcount=${columns.length + (hasMarks ? 1 : 0)}
      aria-activedescendant=${isShown ? cellId(row, columns[column].key) : undefined}
      style=${{ height }} onScroll=${onScroll} onKeyDown=${onKeyDown}>
      <div class="grid-row grid-head" role="row" aria-rowindex="1"
        style=${{ gridTemplateColumns: template, minWidth: `${least}px` }}>
        ${hasMarks && html`<div class="cell mark" role="columnheader"><input type="checkbox" aria-label="Select all rows"
          checked=${rows.length > 0 && rows.every((each) => isSelected(rowKey(each)))}
          onChange=${() => onSelect(rows)} /></div>`}
        ${columns.map((each) => html`
          <${Head} key=${each.key} column=${each} sort=${sort} sortName=${sortName} isSorted=${isSorted} />`)}
      </div>
      <div class="grid-body" role="rowgroup" onClick=${onClick}
        style=${{ height: `${rows.length * ROW_PX}px`, minWidth: `${least}px`, position: "relative" }}>
        ${rows.slice(first, last).map((each, index) => html`
          <${Row} key=${rowKey(each)} row=${each} columns=${columns} template=${template} index=${first + index} name=${name}
            current=${first + index === row ? column : -1} isSelected=${isSelected(rowKey(each))} hasMark=${hasMarks} />`)}
      </div>
    </div>`;
}

// Where the current row is now: it keeps its key when others come and go, and its place when it goes itself.
function placeOf({ key, row }, rows, rowKey) {
  if (key !== null && (!rows[row] || rowKey(rows[row]) !== key)) {
    const moved = rows.findIndex((each) => rowKey(each) === key);
    if (moved >= 0) return moved;
  }
  return Math.max(0, Math.min(row, rows.length - 1));
}

// The letters act while the table has the focus; j and k also take it up when nothing else has it, where one looks.
function useTableKeys({ box, rows, row, column, isNew, move, onOpen, onEdit, onSelect, sort, sortName, isSorted }) {
  const isFocused = () => document.activeElement === box.current;
  const step = (by) => {
    const isFree = [document.body, document.getElementById("page")].includes(document.activeElement);
    if (rows.length === 0 || !(isFocused() || isFree)) return false;
    const next = isNew && !isFocused() ? Math.ceil(box.current.scrollTop / ROW_PX) : row + by;
    box.current.focus({ preventScroll: true });
    return move(next);
  };
  const act = (run) => () => isFocused() && rows.length > 0 && (run(rows[row]), true);
  const isSortable = isSorted && !column.unsorted;
  useShortcuts("Table", [
    { keys: "j", label: "Next row", run: () => step(1) },
    { keys: "k", label: "Previous row", run: () => step(-1) },
    onOpen && { keys: "Enter", label: "Open the row", run: act(onOpen) },
    onEdit && { keys: "e", label: "Edit the row", run: act(onEdit) },
    onSelect && { keys: "x", label: "Select the row", run: act((each) => onSelect([each])) },
    { keys: "c", label: "Copy the cell", run: act((each) => copy(copied(column, each))) },
    isSorted && {
      keys: "s", label: "Sort by the cell's column", run: act(() => isSortable && turnSort(column, sort, sortName)),
    },
  ].filter(Boolean));
}

const Row = memo(({ row, columns, template, index, name, current, isSelected, hasMark }) => html`
  <div class="grid-row ${current >= 0 ? "current" : ""}" role="row" aria-rowindex=${index + 2} aria-selected=${isSelected}
    style=${{
      gridTemplateColumns: template, position: "absolute", insetInline: 0, transform: `translateY(${index * ROW_PX}px)`,
    }}>
    ${hasMark && html`<div class="cell mark" role="gridcell">
      <input type="checkbox" tabindex="-1" checked=${isSelected} aria-label="Select ${textOf(columns[0], row)}" /></div>`}
    ${columns.map((column, place) => html`
      <div class="cell ${column.number ? "number" : ""} ${place === current ? "current" : ""}" role="gridcell"
        key=${column.key} id="table-${name}-${index}-${column.key}">
        ${column.cell ? column.cell(row) : html`<span class="clip" title=${textOf(column, row)}>${textOf(column, row)}</span>`}
      </div>`)}
  </div>`);

function Head({ column, sort, sortName, isSorted }) {
  const { key, label, number, unsorted } = column;
  const direction = sort === key ? "ascending" : sort === `-${key}` ? "descending" : undefined;
  return html`
    <div class="cell ${number ? "number" : ""}" role="columnheader" aria-sort=${direction}>
      ${!isSorted || unsorted ? html`<span class="clip">${label}</span>` : html`
        <button onClick=${() => turnSort(column, sort, sortName)} title="Sort by ${label}"><span class="clip">${label}</span>
          ${direction && icon(direction === "ascending" ? "up" : "down")}</button>`}
    </div>`;
}

// A text is sorted from its first to its last, a number from its largest, then the other way round, then not any more.
function turnSort({ key, label, number }, sort, sortName) {
  const turns = number ? [`-${key}`, key, null] : [key, `-${key}`, null];
  const next = turns[(turns.indexOf(sort) + 1) % turns.length];
  setParameters({ [sortName]: next });
  const way = next === key ? "ascending" : "descending";
  announce(next === null ? "In the usual order" : `Sorted by ${label}, ${way}`);
}

// What a cell says, as text, and what is copied from it: every digit of a number.
export const textOf = (column, row) => String((column.text ?? column.value)(row) ?? "");
const copied = (column, row) => String((column.value ?? column.text)(row) ?? "");

// The rows in the order that the address asks for; `fallback` is the sort without one. With `rowKey`, rows that only tick
// hold their places for a while, so that nothing jumps away from under the pointer.
export function useSorted(rows, columns, { sortName = "sort", fallback, rowKey } = {}) {
  const sort = parameter(sortName) ?? fallback;
  const held = useRef(null);
  return useMemo(() => {
    const now = performance.now();
    const order = held.current;
    if (rowKey && order?.sort === sort && now - order.at < HELD_MS) {
      const kept = inOrder(rows, order.keys, rowKey);
      if (kept) return kept;
    }
    const result = sorted(rows, columns, sort);
    held.current = rowKey && { sort, at: now, keys: result.map(rowKey) };
    return result;
  }, [rows, columns, sort]);
}

// The rows in the order of these keys; null when they are not the rows of these keys.
function inOrder(rows, keys, rowKey) {
  if (rows.length !== keys.length) return null;
  const byKey = new Map(rows.map((row) => [rowKey(row), row]));
  const result = keys.map((key) => byKey.get(key));
  return result.includes(undefined) ? null : result;
}

function sorted(rows, columns, sort) {
  const isDown = sort?.startsWith("-");
  const column = columns.find(({ key }) => key === (isDown ? sort.slice(1) : sort));
  if (!column) return rows;
  const pairs = rows.map((row) => {
    const value = column.value(row) ?? null;
    return [typeof value === "string" ? value.toLowerCase() : value, row];
  });
  pairs.sort(([a], [b]) => {
    // What is not known comes last in either direction.
    if (a === null || b === null) return (a === null) - (b === null);
    const order = a < b ? -1 : a > b ? 1 : 0;
    return isDown ? -order : order;
  });
  return pairs.map(([, row]) => row);
}
