// What happened hour by hour as a map: a row for each day, the newest first, a column for each hour of the reader's
// clock. Each cell is a link; the arrow keys move among them (WAI-ARIA Authoring Practices, grid).

import { html, useRef, useState } from "../core/view.js";
import { dayAndTime, exact, weekday } from "../core/format.js";
import { icon } from "./icon.js";

const HOUR = 3_600_000;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const LEVELS = 5;

// `points` are `{timestamp, value, text}`, the starts of the hours; `text` says more about the value. `hrefOf(from, to)`
// is where a cell leads, `chosen` the `{from, to}` that is shown already.
export function Heatmap({ label, unit, points, hrefOf, chosen }) {
  const table = useRef(null);
  const [isTable, setTable] = useState(false);
  const [place, setPlace] = useState(null); // of the one cell that the Tab key reaches
  const days = byDay(points);
  const top = Math.max(0, ...points.map(({ value }) => value));
  const stop = place !== null && cellAt(days, place) ? place : newestOf(days);
  const onKeyDown = (event) => {
    const next = stepFrom(stop, event.key, days);
    if (next === null) return;
    event.preventDefault();
    setPlace(next);
    table.current.rows[next.day + 1].cells[next.hour + 1].querySelector("a").focus();
  };
  const cell = (each, day, hour) => html`
    <td key=${hour}>${each && html`
      <${Cell} cell=${each} level=${isTable ? null : levelOf(each.value, top)} unit=${unit} hrefOf=${hrefOf} chosen=${chosen}
        isStop=${stop.day === day && stop.hour === hour} onFocus=${() => setPlace({ day, hour })} />`}</td>`;
  return html`
    <div class="heatmap">
      <div class="heatmap-body">
        <table role="grid" aria-label=${label} ref=${table} onKeyDown=${onKeyDown}>
          <thead><tr><td />${HOURS.map((hour) => html`<th scope="col" key=${hour}>${String(hour).padStart(2, "0")}</th>`)}</tr></thead>
          <tbody>${days.map(({ start, cells }, day) => html`
            <tr key=${start}><th scope="row">${weekday(start)}</th>${HOURS.map((hour) => cell(cells[hour], day, hour))}</tr>`)}</tbody>
        </table>
      </div>
      <div class="row small muted">
        <${Legend} top=${top} unit=${unit} /><span class="spring" />
        <button class="button quiet icon" aria-pressed=${isTable} aria-label="${label}: figures as a table" title="Figures as a table"
          onClick=${() => setTable(!isTable)}>${icon("table")}</button>
      </div>
    </div>`;
}

function Cell({ cell: { from, to, value, texts }, level, unit, hrefOf, chosen, isStop, onFocus }) {
  const [first, last] = [from, to].map((time) => new Date(time).toISOString());
  const name = [`${dayAndTime(from)} – ${dayAndTime(to)}: ${exact(value)} ${unit}`, ...texts].join("; ");
  return html`
    <a href=${hrefOf(first, last)} tabindex=${isStop ? 0 : -1} title=${name} aria-label=${name} data-level=${level}
      aria-current=${chosen.from === first && chosen.to === last ? "true" : undefined} onFocus=${onFocus}>
      ${level === null && exact(value)}</a>`;
}

function Legend({ top, unit }) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return html`
    <span class="row wrap heatmap-legend"><span>0</span>
      ${Array.from({ length: LEVELS + 1 }, (_, level) => html`
        <span class="swatch" key=${level} data-level=${level} title=${top > 0 || level === 0 ? limits(level, top, unit) : undefined} />`)}
      <span>${exact(top)} ${unit} an hour at most, ${zone}</span></span>`;
}

// The root spreads the many quiet hours over the levels that a few busy ones would leave to them.
const levelOf = (value, top) => (value > 0 ? Math.ceil(LEVELS * Math.sqrt(value / top)) : 0);

function limits(level, top, unit) {
  if (level === 0) return `no ${unit}`;
  const above = (each) => Math.floor(top * (each / LEVELS) ** 2);
  return `${exact(above(level - 1) + 1)} – ${exact(above(level))} ${unit}`;
}

// `[{start, cells}]`: the hours of each day at their place, the newest day first. Where clocks are set back, an hour
// comes twice, and is one cell.
function byDay(points) {
  const days = new Map();
  for (const { timestamp, value, text } of points) {
    const date = new Date(timestamp);
    const start = new Date(date).setHours(0, 0, 0, 0);
    if (!days.has(start)) days.set(start, { start, cells: [] });
    const { cells } = days.get(start);
    const hour = date.getHours();
    const known = cells[hour] ?? { from: date.valueOf(), value: 0, texts: [] };
    cells[hour] = {
      from: known.from, to: date.valueOf() + HOUR, value: known.value + value, texts: text ? [...known.texts, text] : known.texts,
    };
  }
  return [...days.values()].reverse();
}

const cellAt = (days, { day, hour }) => days[day]?.cells[hour];
const newestOf = (days) => ({ day: 0, hour: (days[0]?.cells.length ?? 1) - 1 });

function stepFrom({ day, hour }, key, days) {
  const steps = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -hour],
    End: [0, (days[day]?.cells.length ?? 1) - 1 - hour],
  };
  if (!steps[key]) return null;
  const [down, right] = steps[key];
  const next = { day: day + down, hour: hour + right };
  return cellAt(days, next) ? next : null;
}
