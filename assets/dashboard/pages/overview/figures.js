// The key figures: each with its course, and against the same time yesterday.

import { html } from "../../core/view.js";
import { now } from "../../core/clock.js";
import { urlOf } from "../../core/api.js";
import { hrefOf } from "../../core/route.js";
import { useQuery } from "../../core/query.js";
import { amount, change, count, money, percent, points } from "../../core/format.js";
import { Figure } from "../../parts/figure.js";
import { Grade, STATUSES } from "../../parts/marks.js";
import { Sparkline } from "../../parts/sparkline.js";
import { Panel } from "../../parts/panel.js";

const MINUTE = 60_000;
const STEP = 10 * MINUTE;
const DAY = 24 * 60 * MINUTE;
const AVERAGED = 5; // whole minutes, so that the figure does not jump with each operation
const HEIGHT = 108;
const AUDIT_STATS = "/api/v1/events/audit/stats";

const text = (ms) => new Date(ms).toISOString();
const sum = (values) => values.reduce((total, value) => total + value, 0);

export function Figures() {
  // Cut, so that the addresses of the requests stay the same for a while.
  const recent = Math.floor(now.value / STEP) * STEP;
  const midnight = Math.floor(recent / DAY) * DAY;
  const summary = useQuery("/api/v1/agents/stats/summary", { on: ["agents", "metrics", "operations"], every: 1_000 });
  const minutes = useQuery("/api/v1/events/audit/timeline?period=1h&step=minute", { on: ["operations"] });
  const hours = useQuery("/api/v1/events/audit/timeline?period=24h&step=hour", { on: ["operations"], every: 5_000 });
  const spent = useQuery("/api/v1/metrics/timeline?period=24h&step=hour", { on: ["metrics"], every: 5_000 });
  const today = useQuery(urlOf(AUDIT_STATS, { start_date: text(midnight) }), { on: ["operations"], every: 1_000 });
  const yesterday = {
    ...useQuery(urlOf(AUDIT_STATS, { start_date: text(midnight - DAY), end_date: text(recent - DAY) })),
    isOld: false, // of ten minutes ago serves as well to compare with
  };
  const quality = useQuery("/api/v1/metrics/quality?days=7", { on: ["metrics"], every: 10_000 });
  const trends = useQuery("/api/v1/metrics/quality/trends?range=14d", { on: ["metrics"], every: 30_000 });
  return html`
    <div class="figures">
      <${Panel} query=${summary} height=${HEIGHT}>${(fleet) => html`<${Agents} fleet=${fleet} />`}</${Panel}>
      <${Panel} query=${[minutes, today, yesterday]} height=${HEIGHT}>
        ${(series, now, before) => html`<${Operations} minutes=${series.points} now=${now.total_operations} before=${before.total_operations} />`}
      </${Panel}>
      <${Panel} query=${[summary, spent]} height=${HEIGHT}>
        ${(fleet, series) => html`<${Spend} fleet=${fleet} hours=${series.points} elapsed=${(now.value - midnight) / DAY} />`}
      </${Panel}>
      <${Panel} query=${[hours, today, yesterday]} height=${HEIGHT}>
        ${(series, now, before) => html`<${Denials} hours=${series.points} now=${now} before=${before} midnight=${midnight} />`}
      </${Panel}>
      <${Panel} query=${[quality, trends]} height=${HEIGHT}>
        ${(now, days) => html`<${Quality} quality=${now} days=${days} />`}
      </${Panel}>
    </div>`;
}

function Agents({ fleet: { total_agents: total, status_distribution: statuses } }) {
  const present = STATUSES.filter((status) => statuses[status] > 0);
  const inWords = (status) => `${count(statuses[status])} ${status}`;
  return html`
    <${Figure} label="Agents" href=${hrefOf("/agents")} value=${count(total)} beside=${present.map(inWords).join(", ")}>
      <ul class="statuses" aria-label="Agents by status">
        ${present.map((status) => html`
          <li key=${status} style=${{ flexGrow: statuses[status] }}>
            <a data-status=${status} href=${hrefOf("/agents", { status })} title=${inWords(status)}>
              <span class="hidden-text">${inWords(status)}</span></a>
          </li>`)}
      </ul>
    </${Figure}>`;
}

function Operations({ minutes, now, before }) {
  const whole = minutes.slice(-1 - AVERAGED, -1); // the last minute still runs
  const rate = sum(whole.map(({ operations }) => operations)) / Math.max(1, whole.length);
  return html`
    <${Figure} label="Operations a minute" href=${hrefOf("/activity")} value=${count(rate)}
      beside="${count(now)} today ${compared(now, before)}">
      <${Sparkline} values=${minutes.slice(0, -1).map(({ operations }) => operations)} label="Operations a minute over the last hour" width=${200} />
    </${Figure}>`;
}

function Spend({ fleet: { budget_used: used, budget_limit: limit, budget_used_yesterday: before }, hours, elapsed }) {
  // In the first half hour of a day a projection would be a guess.
  const projected = elapsed > 1 / 48 ? `, about ${money(used / elapsed)} by midnight UTC` : "";
  return html`
    <${Figure} label="Spend today, USD" href=${hrefOf("/cost")} value=${amount(used)}
      beside="${percent(limit > 0 ? used / limit : 0)} of ${money(limit)}${projected} ${compared(used, before)}">
      <${Sparkline} values=${hours.map(({ cost_usd: cost }) => cost)} label="Spend an hour over the last day" width=${200} />
    </${Figure}>`;
}

const deniedOf = ({ rbac_decisions: { denied = 0 } }) => denied;

function Denials({ hours, now, before, midnight }) {
  const denied = deniedOf(now);
  return html`
    <${Figure} label="Denied today" value=${count(denied)}
      href=${hrefOf("/audit", { rbac_decision: "denied", from: text(midnight), to: text(midnight + DAY) })}
      beside="${percent(now.total_operations > 0 ? denied / now.total_operations : 0)} of operations ${compared(denied, deniedOf(before))}">
      <${Sparkline} values=${hours.map(({ denied: each }) => each)} color="var(--bad)"
        label="Denied operations an hour over the last day" width=${200} />
    </${Figure}>`;
}

function Quality({ quality, days }) {
  const { metrics_analyzed: scored, overall, overall_quality_score: score, trend } = quality;
  const moved = trend.direction === "stable" ? "steady" : `${trend.change > 0 ? "up" : "down"} ${points(Math.abs(trend.change))} points`;
  return html`
    <${Figure} label="Quality, 7 days" href=${hrefOf("/quality", { range: "7d" })}
      value=${scored === 0 ? "–" : html`${count(overall)} <${Grade} score=${score} />`}
      beside=${scored === 0 ? "nothing was scored" : `of 100, ${moved}`}>
      <${Sparkline} values=${days.map((day) => (day.metrics_analyzed > 0 ? day.score : null))} label="Quality a day over two weeks" width=${200} />
    </${Figure}>`;
}

function compared(now, before) {
  const text = change(now, before);
  return text === "" || text === "new" ? "" : `(${text} against yesterday)`;
}
