// How uPlot draws a chart: scales, axes, bands, crosshair and the names beside the lines.

import uPlot from "/assets/vendor/uplot/uPlot.esm.js";

import { color } from "../core/theme.js";
import { day, timeOfDayShort, utcDay } from "../core/format.js";
import { spread } from "./labels.js";

const CROSSHAIR = "page"; // all charts of the page share it
const DAY_S = 86_400;
const FONT = "11px system-ui, sans-serif";
const LABEL_PX = 14;
const LABEL_WIDTH = 140;
const ROOM_FOR_LABELS = 480; // a narrower chart has its names above, by the style sheet

// What is drawn: the times in seconds, then the values of each series, those of a stack on each other.
export function drawnData(times, series, isStacked) {
  return [
    times.map((time) => Date.parse(time) / 1_000),
    ...(isStacked ? stacked(series) : series.map(({ values }) => values)),
  ];
}

// Each series on top of those after it: the first is the highest.
function stacked(series) {
  const sums = [];
  for (const { values } of [...series].reverse()) {
    const below = sums[0];
    sums.unshift(values.map((value, index) => (value ?? 0) + (below?.[index] ?? 0)));
  }
  return sums;
}

export function createPlot(box, data, { series, height, isStacked, isDaily, isLabelled, limit, format, onCursor }) {
  const [line, muted, surface] = [color("--line"), color("--muted"), color("--surface")];
  const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: FONT };
  const writeTime = isDaily ? utcDay : (time) => (isMidnight(time) ? day(time) : timeOfDayShort(time));
  const places = isLabelled ? (self) => labelPlaces(self, series, isStacked) : null;
  const options = {
    width: widthOf(box),
    height,
    legend: { show: false },
    padding: [8, (self) => (isLabelled && self.width >= ROOM_FOR_LABELS ? LABEL_WIDTH : 20), 0, 0],
    // The days that the server counts are those of UTC.
    tzDate: isDaily ? (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC") : undefined,
    cursor: {
      sync: { key: CROSSHAIR, setSeries: false }, y: false, drag: { x: false, y: false },
      points: { size: 6, stroke: surface, width: 1 },
    },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), limit ?? ((high ?? 0) > 0 ? high * 1.05 : 1)] } },
    axes: [
      {
        ...axis, grid: { show: false }, size: 28, space: 70,
        incrs: isDaily ? [1, 2, 5, 7, 10, 14, 30].map((days) => days * DAY_S) : undefined,
        values: (_, ticks) => ticks.map((tick) => writeTime(tick * 1_000)),
      },
      { ...axis, size: 58, space: 36, values: (_, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [{}, ...series.map((each) => drawnSeries(each, series.length, isStacked))],
    bands: isStacked ? series.slice(1).map((_, index) => ({ series: [index + 1, index + 2] })) : bandsOf(series),
    hooks: {
      setCursor: [({ cursor }) => onCursor(cursor.left >= 0 ? cursor.idx ?? null : null)],
      draw: places ? [(self) => drawLabels(self, series, places(self))] : [],
    },
  };
  const plot = new uPlot(options, data, box);
  const observer = new ResizeObserver(() => {
    if (widthOf(box) !== plot.width) plot.setSize({ width: widthOf(box), height });
  });
  observer.observe(box);
  return { plot, destroy: () => { observer.disconnect(); plot.destroy(); } };
}

const widthOf = (box) => Math.max(120, Math.floor(box.clientWidth));

function isMidnight(time) {
  const date = new Date(time);
  return date.getHours() === 0 && date.getMinutes() === 0;
}

const faint = (stroke, opacity) => stroke.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);

function drawnSeries({ color: token, edge, fill, line = 1.5 }, count, isStacked) {
  const stroke = color(token);
  const isFilled = !edge && (fill ?? (count === 1 || isStacked));
  return {
    stroke,
    width: edge ? 0 : isStacked ? 1 : line,
    fill: isFilled ? faint(stroke, isStacked ? 0.6 : 0.12) : undefined,
    spanGaps: false,
    // A value between two gaps has no line: it is a point.
    points: { show: () => false, size: 5, width: 0, fill: stroke, filter: (self, index) => lonely(self.data[index]) },
  };
}

function lonely(values) {
  const isMissing = (value) => value === null || value === undefined;
  return values.flatMap((value, at) =>
    (!isMissing(value) && isMissing(values[at - 1]) && isMissing(values[at + 1]) ? [at] : []));
}

// The area between each upper edge and the lower one that follows it.
function bandsOf(series) {
  return series.flatMap(({ edge, color: token }, index) =>
    (edge === "high" ? [{ series: [index + 1, index + 2], fill: faint(color(token), 0.18) }] : []));
}

// Where the lines end, in CSS px from the top of the canvas: `{from, to}` with the label at `to`.
function labelPlaces(self, series, isStacked) {
  const last = self.data[0].length - 1;
  const top = self.bbox.top / uPlot.pxRatio;
  const y = (value) => top + self.valToPos(value, "y");
  const from = series.map((_, index) => {
    const value = self.data[index + 1][last] ?? 0;
    const below = isStacked ? self.data[index + 2]?.[last] ?? 0 : value;
    return y((value + below) / 2);
  });
  const bottom = top + self.bbox.height / uPlot.pxRatio;
  const to = spread(from, LABEL_PX, top + LABEL_PX / 2, bottom - LABEL_PX / 2);
  return from.map((start, index) => ({ from: start, to: to[index] }));
}

function drawLabels(self, series, places) {
  if (self.width < ROOM_FOR_LABELS) return;
  const { ctx, bbox } = self;
  const ratio = uPlot.pxRatio;
  const right = (bbox.left + bbox.width) / ratio;
  ctx.save();
  ctx.scale(ratio, ratio);
  ctx.font = FONT;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  places.forEach(({ from, to }, index) => {
    ctx.strokeStyle = color(series[index].color);
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(right + 2, from);
    ctx.lineTo(right + 10, to);
    ctx.lineTo(right + 16, to);
    ctx.stroke();
    ctx.fillStyle = color("--text");
    ctx.fillText(clipped(ctx, series[index].label, LABEL_WIDTH - 24), right + 20, to);
  });
  ctx.restore();
}

function clipped(ctx, text, width) {
  let shown = text.slice(0, 64); // no name that fits is longer
  if (shown === text && ctx.measureText(text).width <= width) return text;
  while (shown.length > 1 && ctx.measureText(`${shown}…`).width > width) shown = shown.slice(0, -1);
  return `${shown}…`;
}
