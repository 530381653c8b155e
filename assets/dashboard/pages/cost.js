// Cost and usage: what was spent, on what, and where it is going.

import { html } from "../core/view.js";
import { urlOf } from "../core/api.js";
import { useQuery } from "../core/query.js";
import { range } from "../core/range.js";
import { parameter, setParameters } from "../core/route.js";
import { Budgets } from "./cost/budgets.js";
import { ServiceCharts, UsageCharts } from "./cost/charts.js";
import { Figures } from "./cost/figures.js";
import { Groups, MOST_GROUPS } from "./cost/groups.js";
import { Limits } from "./cost/limits.js";
import { windowOf } from "./cost/window.js";

const GROUPINGS = ["agent", "role", "category", "type"];
const LIVE = { on: ["metrics"], every: 500 };

export function Cost() {
  const by = GROUPINGS.includes(parameter("by")) ? parameter("by") : "agent";
  const shown = windowOf(range.value);
  const timelineOf = (window) => window && urlOf("/api/v1/metrics/timeline", window);
  const timeline = useQuery(timelineOf(shown.timeline), LIVE);
  const doubled = useQuery(timelineOf(shown.doubled), LIVE);
  const breakdownUrl = urlOf("/api/v1/metrics/breakdown", { by, period: shown.breakdown, limit: MOST_GROUPS });
  const breakdown = useQuery(breakdownUrl, { on: ["metrics", "agents"] });
  const history = useQuery("/api/v1/agents/stats/history?days=31", { on: ["metrics"] });
  return html`
    <${Figures} range=${range.value} before=${shown.before} timeline=${timeline} doubled=${shown.doubled && doubled}
      breakdown=${breakdown} history=${history} />
    <div class="stack">
      <${GroupingChoice} by=${by} note=${shown.note} />
      <${UsageCharts} key=${by} by=${by} note=${shown.note} breakdown=${breakdown} />
    </div>
    <${ServiceCharts} timeline=${timeline} />
    <${Limits} />
    <div class="wide-narrow">
      <${Groups} by=${by} period=${shown.breakdown} note=${shown.note} breakdown=${breakdown} />
      <${Budgets} />
    </div>`;
}

const GroupingChoice = ({ by, note }) => html`
  <div class="row wrap">
    <div class="row" role="group" aria-label="Usage by">${GROUPINGS.map((grouping) => html`
      <button class="button" key=${grouping} aria-pressed=${grouping === by}
        onClick=${() => setParameters({ by: grouping === GROUPINGS[0] ? null : grouping })}>${grouping}</button>`)}
    </div>
    <span class="muted small">${note}</span>
  </div>`;
