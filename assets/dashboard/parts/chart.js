// A chart over time: thin lines, light fill, a crosshair that all charts of the page share, its figures as a table and
// as a file. What is missing (null) is drawn as a gap.

import { html, useEffect, useRef, useState } from "../core/view.js";
import { theme } from "../core/theme.js";
import { count as formatCount, dayAndTime, utcDay } from "../core/format.js";
import { FigureButtons } from "./figure_buttons.js";
import { createPlot, drawnData } from "./plot.js";

// `times` are RFC 3339, the starts of steps; `series` are `{label, values, color, format, line, fill, edge}` with
// `color` a token such as `--accent`; one with `edge: "high"` and the one after it with `edge: "low"` bound a band.
// `isStacked` puts the series on each other, the first on top; `isLabelled` writes their names beside them. `format`
// writes the values; `limit` is the end of the axis, where it does not follow the values.
export function Chart({
  title, times, series, format = formatCount, height = 180, isStacked = false, isLabelled = false, limit,
}) {
  const box = useRef(null);
  const drawn = useRef(null); // `{plot, destroy}`
  const data = useSame(drawnData(times, series, isStacked));
  const [at, setAt] = useState(null);
  const [isTable, setTable] = useState(false);
  const isDaily = isInDays(times);
  const shape = JSON.stringify([
    isStacked, isLabelled, isDaily, height, limit, series.map(({ label, color, edge }) => [label, color, edge]),
  ]);

  useEffect(() => {
    if (isTable) return undefined;
    const options = { series, format, height, isStacked, isDaily, isLabelled, limit, onCursor: setAt };
    drawn.current = createPlot(box.current, data, options);
    return () => {
      drawn.current.destroy();
      drawn.current = null;
      setAt(null);
    };
  }, [shape, theme.value, isTable]);
  useEffect(() => {
    const plot = drawn.current?.plot;
    if (plot && plot.data !== data) plot.setData(data);
  }, [data]);

  const writeTime = isDaily ? (time) => `${utcDay(time)} UTC` : dayAndTime;
  const named = series.filter(({ edge }) => !edge);
  const isPointed = at !== null && at < times.length && drawn.current !== null;
  return html`
    <figure class="chart ${isLabelled ? "labelled" : ""}" aria-label=${title}>
      <div class="chart-head">
        <figcaption><span class="chart-title">${title}</span>
          ${named.length > 1 && html`<ul class="legend">${named.map(({ label, color }, index) => html`
            <li key=${index}><${Swatch} color=${color} /><span class="clip">${label}</span></li>`)}</ul>`}
        </figcaption>
        <${FigureButtons} title=${title} isTable=${isTable} onTable=${setTable} lines=${() => linesOf(times, series)} />
      </div>
      ${isTable
        ? html`<div class="chart-table" tabindex="0" role="region" aria-label="${title}, figures"
            style=${{ height: `${height}px` }}>
            <${Figures} times=${times} series=${series} format=${format} writeTime=${writeTime} /></div>`
        : html`<div class="chart-plot" style=${{ height: `${height}px` }} aria-hidden="true">
            <div ref=${box} />
            ${isPointed && html`<${Tip} plot=${drawn.current.plot} index=${at} time=${writeTime(times[at])}
              series=${series} isStacked=${isStacked} format=${format} />`}
          </div>`}
    </figure>`;
}

// The same array as before as long as it holds the same: what did not change is not drawn again.
function useSame(data) {
  const kept = useRef(data);
  const before = kept.current;
  const isSame = before.length === data.length && data.every((values, index) =>
    values.length === before[index].length && values.every((value, at) => value === before[index][at]));
  if (!isSame) kept.current = data;
  return kept.current;
}

const isInDays = (times) => times.length > 0 && times.every((time) => /T00:00:00(\.0+)?Z$/.test(time));

const Swatch = ({ color }) => html`<span class="swatch" style=${{ color: `var(${color})` }} />`;

const written = (value, format) => (value === null || value === undefined ? "no data" : format(value));

// The values at the crosshair, beside it; of a stack their sum, too.
function Tip({ plot, index, time, series, isStacked, format }) {
  const x = plot.over.offsetLeft + plot.valToPos(plot.data[0][index], "x");
  const isRight = x > plot.width / 2;
  const style = isRight ? { right: `${plot.width - x + 10}px` } : { left: `${x + 10}px` };
  return html`
    <div class="chart-tip" style=${style}>
      <div>${time}</div>
      <table><tbody>${series.map(({ label, color, values, format: own = format }, place) => html`
        <tr key=${place}><th><${Swatch} color=${color} /><span class="clip">${label}</span></th>
          <td class="number">${written(values[index], own)}</td></tr>`)}
        ${isStacked && series.length > 1 && html`
          <tr><th>All</th><td class="number">${format(plot.data[1][index])}</td></tr>`}</tbody></table>
    </div>`;
}

function Figures({ times, series, format, writeTime }) {
  return html`
    <table>
      <thead><tr><th scope="col">Time</th>${series.map(({ label }, place) => html`
        <th scope="col" class="number" key=${place}>${label}</th>`)}</tr></thead>
      <tbody>${times.map((time, index) => html`
        <tr key=${time}><th scope="row" class="nowrap">${writeTime(time)}</th>
          ${series.map(({ values, format: own = format }, place) => html`
            <td class="number" key=${place}>${written(values[index], own)}</td>`)}</tr>`)}</tbody>
    </table>`;
}

const linesOf = (times, series) => [
  ["time", ...series.map(({ label }) => label)],
  ...times.map((time, index) => [time, ...series.map(({ values }) => values[index])]),
];
