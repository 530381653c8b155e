// The score over time with its spread. Steps in which nothing was scored are gaps.

import { html } from "../../core/view.js";
import { points as format } from "../../core/format.js";
import { Chart } from "../../parts/chart.js";
import { Empty, Panel } from "../../parts/panel.js";
import { RecordMetric } from "../../parts/commands.js";

const HEIGHT = 200;
const hundredths = (value) => (value === null ? null : value * 100);

export function ScoreChart({ label, timeline }) {
  return html`
    <${Panel} query=${timeline} height=${HEIGHT + 44}>${({ points }) => {
      if (points.every(({ quality }) => quality === null)) return html`<${NothingScored} label=${label} />`;
      const values = (member) => points.map((point) => hundredths(point[member]));
      return html`
        <${Chart} title="Score, 0 to 100, with its lowest and highest" height=${HEIGHT}
          times=${points.map(({ timestamp }) => timestamp)} format=${format} limit=${100} series=${[
            { label: "Score", values: values("quality"), color: "--accent", fill: false },
            { label: "Highest", values: values("quality_max"), color: "--accent", edge: "high" },
            { label: "Lowest", values: values("quality_min"), color: "--accent", edge: "low" },
          ]} />`;
    }}</${Panel}>`;
}

const NothingScored = ({ label }) => html`
  <${Empty}><p>Nothing was scored in this range (${label}). A review, a test run or a hook tells how good a piece of
    work is like this:</p>
    <${RecordMetric} body=${{ metric_type: "quality", quality_score: 0.92, code_violations: 0 }} /></${Empty}>`;
