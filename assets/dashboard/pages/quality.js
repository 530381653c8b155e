// Quality: how good the work is, and whose got better or worse.

import { html, useMemo } from "../core/view.js";
import { urlOf } from "../core/api.js";
import { useQuery } from "../core/query.js";
import { asDays, asPeriod, range } from "../core/range.js";
import { Agents } from "./quality/agents.js";
import { Changes, changesOf } from "./quality/changes.js";
import { Distribution } from "./quality/distribution.js";
import { Figures } from "./quality/figures.js";
import { ScoreChart } from "./quality/score.js";
import { Violations } from "./quality/violations.js";

const DAY = 86_400_000;
const LIVE = { on: ["metrics"], every: 500 };

export function Quality() {
  const days = asDays(range.value);
  const report = useQuery(urlOf("/api/v1/metrics/quality", { days }), LIVE);
  const timeline = useQuery(urlOf("/api/v1/metrics/timeline", asPeriod(range.value)), LIVE);
  const changes = useMemo(() => changesOf(report.data?.agent_quality ?? []), [report.data]);
  const window = days === 1 ? "last 24 hours" : `last ${days} days`;
  return html`
    <${Figures} days=${days} note=${noteOf(range.value, days)} report=${report} changes=${changes} />
    <div class="wide-narrow">
      <${ScoreChart} label=${range.value.label} timeline=${timeline} />
      <${Distribution} window=${window} report=${report} />
    </div>
    <div class="wide-narrow">
      <${Changes} days=${days} report=${report} changes=${changes} />
      <${Violations} window=${window} report=${report} />
    </div>
    <${Agents} window=${window} report=${report} />`;
}

// What the scores cover where that is not the range.
function noteOf({ from, ms }, days) {
  const covered = days === 1 ? "the last 24 hours" : `the last ${days} days`;
  if (!from && ms >= DAY) return "";
  const windows = from ? "whole days up to now" : "a day at least";
  return `Scores and grades are told for ${windows}: these are of ${covered}. The chart shows the range alone.`;
}
