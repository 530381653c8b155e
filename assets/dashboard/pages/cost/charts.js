// Spend, tokens, latency and errors over time.

import { html, useRef } from "../../core/view.js";
import { amount, duration, percent, tokens } from "../../core/format.js";
import { Chart } from "../../parts/chart.js";
import { Empty, Panel } from "../../parts/panel.js";
import { RecordMetric } from "../../parts/commands.js";

const HEIGHT = 190;
const PANEL_HEIGHT = HEIGHT + 44;
const COLORS = 8;

export function UsageCharts({ by, note, breakdown }) {
  const held = useRef(new Map());
  const series = (member, groups) => {
    const colors = colorsOf(held.current, groups);
    return groups.map(({ key, name, [member]: values }) => ({ label: name, values, color: colors.get(key) }));
  };
  return html`
    <div class="grid-2">
      <${Panel} query=${breakdown} height=${PANEL_HEIGHT}>${({ timestamps, series: groups }) => (groups.length === 0
        ? html`<${NothingRecorded} note=${note} />`
        : html`<${Chart} title="Spend by ${by}, USD" times=${timestamps} series=${series("cost_usd", groups)}
            format=${amount} height=${HEIGHT} isStacked isLabelled />`)}</${Panel}>
      <${Panel} query=${breakdown} height=${PANEL_HEIGHT}>${({ timestamps, series: groups }) => groups.length > 0 &&
        html`<${Chart} title="Tokens by ${by}" times=${timestamps} series=${series("tokens", groups)} format=${tokens}
          height=${HEIGHT} isStacked isLabelled />`}</${Panel}>
    </div>`;
}

// A group keeps its colour while it is shown, also when another one overtakes it.
function colorsOf(held, groups) {
  const keys = groups.map(({ key }) => key).filter((key) => key !== null);
  for (const key of held.keys()) if (!keys.includes(key)) held.delete(key);
  for (const key of keys) {
    if (held.has(key)) continue;
    const used = new Set(held.values());
    held.set(key, Array.from({ length: COLORS }, (_, n) => `--cat-${n + 1}`).find((color) => !used.has(color)));
  }
  return new Map([...held, [null, "--idle"]]);
}

const NothingRecorded = ({ note }) => html`
  <${Empty}><p>${note}: nothing was recorded. An agent, or its hook, tells what it used like this:</p>
    <${RecordMetric} body=${{ metric_type: "cost", tokens_used: 1200, cost_usd: 0.0042 }} /></${Empty}>`;

const PERCENTILES = [["p99", "--cat-4"], ["p95", "--cat-2"], ["p50", "--cat-1"]];
const timesOf = (points) => points.map(({ timestamp }) => timestamp);

export const ServiceCharts = ({ timeline }) => html`
  <div class="grid-2">
    <${Panel} query=${timeline} height=${PANEL_HEIGHT}>${(data) => html`<${Latency} ...${data} />`}</${Panel}>
    <${Panel} query=${timeline} height=${PANEL_HEIGHT}>${(data) => html`<${Errors} ...${data} />`}</${Panel}>
  </div>`;

function Latency({ points }) {
  if (points.every(({ p50_ms }) => p50_ms === null)) {
    return html`<${Empty}><p>No call of this range told how long it took: send <code>execution_time_ms</code> with a
      metric.</p></${Empty}>`;
  }
  const series = PERCENTILES.map(([name, color]) => ({
    label: name, color, values: points.map((point) => point[`${name}_ms`]),
  }));
  return html`<${Chart} title="Latency percentiles" times=${timesOf(points)} format=${duration} height=${HEIGHT}
    isLabelled series=${series} />`;
}

function Errors({ points }) {
  if (points.every(({ calls }) => calls === 0)) {
    return html`<${Empty}><p>There was no call in this range: choose a longer one.</p></${Empty}>`;
  }
  const values = points.map(({ calls, failures }) => (calls > 0 ? failures / calls : null));
  return html`<${Chart} title="Error rate" times=${timesOf(points)} format=${percent} height=${HEIGHT} isLabelled
    series=${[{ label: "Failed calls", color: "--bad", values }]} />`;
}
