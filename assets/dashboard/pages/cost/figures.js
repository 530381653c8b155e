// The key figures: what was spent, how that compares, where the month is going.

import { html } from "../../core/view.js";
import { fleet } from "../../core/fleet.js";
import { change, count, exact, money, percent, tokens } from "../../core/format.js";
import { Figure } from "../../parts/figure.js";
import { levelOf } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";
import { projectionOf } from "./projection.js";

const sum = (points, member) => points.reduce((total, point) => total + point[member], 0);

// `doubled` reads the range with the window before; without it the groups' answer tells of that.
export function Figures({ range, before, timeline, doubled, breakdown, history }) {
  const earlier = doubled ?? breakdown;
  return html`
    <${Panel} class="cost-head" query=${[timeline, earlier, history]} height=${120}>${(
      { points }, { total, points: both }, { burnRate },
    ) => {
      const spend = sum(points, "cost_usd");
      const calls = sum(points, "calls");
      const failures = sum(points, "failures");
      const past = total ? total.previous_cost_usd : Math.max(0, sum(both, "cost_usd") - spend);
      const projection = projectionOf(burnRate);
      return html`
        <div class="figures cost-figures">
          <${Figure} label="Spend, ${range.from ? range.label : `last ${range.label}`}" value=${money(spend)}
            title="USD ${spend}"
            beside=${past > 0 ? `${change(spend, past)} against ${before}` : `nothing in ${before}`} />
          <${SpendToday} />
          <${Figure} label="Tokens" value=${tokens(sum(points, "tokens"))} title=${exact(sum(points, "tokens"))}
            beside="all kinds together" />
          <${Figure} label="Calls" value=${count(calls)} beside="records of metrics" />
          <${Figure} label="Error rate" value=${calls > 0 ? percent(failures / calls) : "–"}
            beside="${exact(failures)} of ${exact(calls)} calls failed" />
          <${Figure} label="Projection, ${monthOf(burnRate)}" value=${money(projection.expected)}
            beside=${projection.expected === undefined
              ? "not enough days yet"
              : `${money(projection.low)} to ${money(projection.high)}`} />
        </div>
        <p class="muted small">${inWords(projection)}</p>`;
    }}</${Panel}>`;
}

// Amounts of different currencies have no sum: it is of those in USD, as all other figures are.
function SpendToday() {
  const { agents } = fleet.value;
  const counted = agents.filter(({ currency }) => currency === "USD");
  const used = sum(counted, "cost_used_today");
  const limit = sum(counted, "max_cost_per_day");
  const over = agents.filter((agent) => levelOf(agent.cost_used_today, agent.max_cost_per_day) === "exceeded").length;
  const notes = [`${percent(limit > 0 ? used / limit : NaN)} of ${money(limit)}`];
  if (over > 0) notes.push(`${exact(over)} ${over === 1 ? "agent has" : "agents have"} exceeded`);
  if (counted.length < agents.length) notes.push(`${exact(agents.length - counted.length)} with another currency left out`);
  return html`<${Figure} label="Spend today (UTC)" value=${money(used)} title="USD ${used}"
    beside=${notes.join(" · ")} />`;
}

const monthOf = (days) =>
  new Date(days.at(-1).timestamp).toLocaleDateString(undefined, { month: "long", timeZone: "UTC" });

function inWords({ count: days, fewest, expected, spent, ahead, mean, spread }) {
  if (expected === undefined) {
    const there = days === 1 ? "there is 1" : `there are ${days}`;
    return `The projection needs ${fewest} whole days since the first spending; ${there}.`;
  }
  return [
    `Projection: ${money(spent)} in the days of the month before today,`,
    `and ${ahead} from today on at ${money(mean)} each,`,
    `the mean of the last ${days} whole days, which differ by ${money(spread)} (standard deviation).`,
    "The range is twice that for the days together, to either side.",
  ].join(" ");
}
