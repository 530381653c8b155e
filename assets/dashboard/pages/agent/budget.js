// An agent's budget of today: what is left, and when it runs out.

import { html } from "../../core/view.js";
import { urlOf } from "../../core/api.js";
import { now as clock } from "../../core/clock.js";
import { amount, money, timeOfDay } from "../../core/format.js";
import { useQuery } from "../../core/query.js";
import { Chart } from "../../parts/chart.js";
import { BudgetBar, Money, Tokens } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";
import { burnDown, dayOf, linesOf } from "./burn_down.js";

const CHART_PX = 160;

export function Budget({ agent }) {
  const { max_cost_per_day: limit, cost_used_today: used, currency, tokens_used_today, max_tokens_per_session } = agent.budget;
  const now = clock.value;
  const hours = useQuery(urlOf("/api/v1/metrics/timeline", {
    agent_id: agent.agent_id, start_date: new Date(dayOf(now)).toISOString(), step: "hour",
  }), { on: ["metrics"] });
  const held = useQuery(`/api/v1/budgets/agent:${agent.agent_id}`, { on: ["metrics", "operations"] });
  return html`
    <section class="panel" aria-label="Budget today">
      <header><h2>Budget today</h2><span class="note">UTC day</span></header>
      <div class="figures">
        <div class="figure"><span class="label">Left</span>
          <span class="value"><${Money} value=${limit - used} currency=${currency} /></span>
          <span class="beside">of ${money(limit, currency)}, ${money(used, currency)} used${heldInWords(held.data, currency)}</span>
          <${BudgetBar} used=${used} limit=${limit} currency=${currency} /></div>
        <div class="figure"><span class="label">Tokens today</span><span class="value"><${Tokens} value=${tokens_used_today} /></span></div>
        <div class="figure"><span class="label">Token limit of a session</span><span class="value"><${Tokens} value=${max_tokens_per_session} /></span></div>
      </div>
      <${Panel} query=${hours} height=${CHART_PX + 40}>${({ points }) => {
        const burnt = burnDown(points, { limit, used, now });
        const lines = linesOf(burnt, { limit, now });
        const format = (value) => money(value, currency);
        return html`
          <p class="small">${outlook(burnt, format)}</p>
          <${Chart} title="Budget left today" times=${lines.times} height=${CHART_PX} format=${amount} series=${[
            { label: "left", values: lines.left, color: "--accent", fill: true, format },
            { label: "at this pace", values: lines.ahead, color: "--warn", format },
            { label: "limit", values: lines.limit, color: "--muted", line: 1, format },
          ]} />`;
      }}</${Panel}>
    </section>`;
}

// What decisions reserve until a metric tells what it did cost, and what operators did.
function heldInWords(budget, currency) {
  if (!budget) return "";
  const { reserved, raised, paused } = budget;
  return [
    reserved > 0 && `, ${money(reserved, currency)} reserved`,
    raised > 0 && `, raised by ${money(raised, currency)} for today`,
    paused && ", paused by an operator",
  ].filter(Boolean).join("");
}

function outlook({ pace, runsOut, ranOut, atMidnight }, format) {
  if (ranOut !== null) return `Used up between ${ranOut.map(timeOfDay).join(" and ")}.`;
  if (!(pace > 0)) return "Nothing was spent in the last 3 hours.";
  if (runsOut !== null) return `At the pace of the last 3 hours it runs out at ${timeOfDay(runsOut)}.`;
  return `At the pace of the last 3 hours ${format(atMidnight)} are left at the end of the UTC day.`;
}
