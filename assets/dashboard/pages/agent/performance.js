// How an agent's work went over time, and in all.

import { html } from "../../core/view.js";
import { urlOf } from "../../core/api.js";
import { agentById } from "../../core/fleet.js";
import { amount, count, duration, money, percent, tokens } from "../../core/format.js";
import { useQuery } from "../../core/query.js";
import { asPeriod, range } from "../../core/range.js";
import { Chart } from "../../parts/chart.js";
import { Empty, Panel } from "../../parts/panel.js";
import { RecordMetric } from "../../parts/commands.js";

const CHART_PX = 150;
const FIRST = { metric_type: "execution", success: true, execution_time_ms: 340, cost_usd: 0.01 };

export function Performance({ agent }) {
  const { agent_id, budget: { currency } } = agent;
  const timeline = useQuery(urlOf("/api/v1/metrics/timeline", { agent_id, ...asPeriod(range.value) }), { on: ["metrics"] });
  const summary = useQuery(`/api/v1/metrics/agent/${agent_id}/summary`, { on: ["metrics"] });
  return html`
    <${Panel} title="Performance" note=${range.value.label} query=${timeline} height=${2 * CHART_PX + 100}>
      ${({ points }) => points.every(({ calls }) => calls === 0)
        ? html`<${NothingYet} agent=${agent} />`
        : html`<${Charts} points=${points} currency=${currency} />`}
    </${Panel}>
    <${Panel} title="All time" query=${summary} height=${64}>${(all) => html`
      <div class="figures all-time">
        ${figuresOf(all, agentById(agent_id), currency).map(([label, value]) => html`
          <div class="figure" key=${label}><span class="label">${label}</span><b class="number">${value}</b></div>`)}
      </div>`}</${Panel}>`;
}

function Charts({ points, currency }) {
  const times = points.map(({ timestamp }) => timestamp);
  const values = (member) => points.map((point) => point[member]);
  const chart = (title, series, format) => html`
    <${Chart} key=${title} title=${title} times=${times} series=${series} format=${format} height=${CHART_PX} />`;
  return html`
    <div class="grid-3">
      ${chart("Calls", [
        { label: "calls", values: values("calls"), color: "--accent", fill: true },
        { label: "failed", values: values("failures"), color: "--bad" },
      ], count)}
      ${chart("Success", [{ label: "success", values: values("success_rate"), color: "--accent" }], percent)}
      ${chart("Latency", [
        { label: "p50", values: values("p50_ms"), color: "--cat-1" },
        { label: "p95", values: values("p95_ms"), color: "--cat-2" },
      ], duration)}
      ${chart("Quality", [{ label: "quality", values: values("quality"), color: "--accent" }], percent)}
      ${chart(`Cost in ${currency}`, [{ label: "cost", values: values("cost_usd"), color: "--accent" }], amount)}
      ${chart("Tokens", [{ label: "tokens", values: values("tokens"), color: "--accent" }], tokens)}
    </div>`;
}

function figuresOf({ total_metrics, performance, cost, quality }, brief, currency) {
  // A summary says 0 where nothing was measured; the brief tells the two apart.
  const mean = (member, value, format) => ((brief?.[member] ?? null) === null ? "–" : format(value));
  return [
    ["Metrics", count(total_metrics)],
    ["Success", mean("success_rate", performance.success_rate, percent)],
    ["Mean time", mean("avg_execution_time_ms", performance.avg_execution_time_ms, duration)],
    ["Tasks completed", count(performance.total_tasks_completed)],
    ["Tasks failed", count(performance.total_tasks_failed)],
    ["Mean quality", mean("quality_score", quality.avg_quality_score, percent)],
    ["Cost", money(cost.total_cost_usd, currency)],
    ["Tokens", tokens(cost.total_tokens_used)],
  ];
}

const NothingYet = ({ agent }) => html`
  <${Empty}>
    <p>Nothing was recorded in this range: a longer one may show more. This records a metric:</p>
    <${RecordMetric} name=${agent.name} body=${FIRST} />
  </${Empty}>`;
