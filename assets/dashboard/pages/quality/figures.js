// The key figures: the score, its grade, how it changed and what it stands on.

import { html } from "../../core/view.js";
import { exact, percent, points } from "../../core/format.js";
import { Figure } from "../../parts/figure.js";
import { Grade } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";

// `changes` are the agents that changed.
export function Figures({ days, note, report, changes }) {
  const before = days === 1 ? "the 24 hours before" : `the ${days} days before`;
  return html`
    <${Panel} class="quality-head" query=${report} height=${80}>${(data) => {
      const isScored = data.metrics_analyzed > 0;
      const { worse, better } = changes;
      const agents = data.distribution.reduce((sum, { count }) => sum + count, 0);
      return html`
        <div class="figures quality-figures">
          <${Figure} label="Score" value=${isScored
            ? html`<span class="row">${points(data.overall)} <${Grade} grade=${data.grade} /></span>` : "–"}
            beside=${isScored ? `${inWords(data.trend)} against ${before}` : "nothing was scored"} />
          <${Figure} label="Agents scored" value=${exact(agents)}
            beside="${exact(data.metrics_analyzed)} records with a score" />
          <${Figure} label="Grade A or B" value=${agents > 0 ? percent(shareOf(data.distribution, "AB")) : "–"}
            beside="of the agents scored" />
          <${Figure} label="Worse / better" value="${exact(worse.length)} / ${exact(better.length)}"
            beside="agents against ${before}" />
          <${Figure} label="Violations" value=${exact(data.total_code_violations)}
            beside="rules broken, as agents reported them" />
        </div>
        ${note && html`<p class="muted small">${note}</p>`}`;
    }}</${Panel}>`;
}

const inWords = ({ direction, change }) =>
  (direction === "stable" ? "no change" : `${change > 0 ? "up" : "down"} ${points(Math.abs(change))} points`);

function shareOf(distribution, grades) {
  const chosen = distribution.filter(({ grade }) => grades.includes(grade));
  return chosen.reduce((sum, { percentage }) => sum + percentage, 0) / 100;
}
