// When operations happened: a cell for each hour, which sets the time range to that hour.

import { html } from "../../core/view.js";
import { useQuery } from "../../core/query.js";
import { urlOf } from "../../core/api.js";
import { hrefWith } from "../../core/route.js";
import { exact, words } from "../../core/format.js";
import { Heatmap } from "../../parts/heatmap.js";
import { Panel } from "../../parts/panel.js";
import { FILTERS } from "./filters.js";

const TIMELINE = "/api/v1/events/audit/timeline";
const COUNTED = ["operation_type", "rbac_decision", "agent_role"]; // of which the server counts by one at a time
const DAY = 86_400_000;
const FEWEST_DAYS = 7;
const MOST_DAYS = 30; // hour by hour

export function Operations({ filters, range }) {
  const by = COUNTED.find((name) => filters[name]);
  const { part, ...days } = daysOf(range);
  const counted = by && { [by]: filters[by] };
  const query = useQuery(urlOf(TIMELINE, { ...days, step: "hour", ...counted }), { on: ["operations"] });
  const left = Object.keys(filters).filter((name) => name !== by).map((name) => FILTERS[name].label.toLowerCase());
  const kind = by ? `${FILTERS[by].label.toLowerCase()} ${words(filters[by])}` : "all operations";
  const note = [kind, part, left.length > 0 && `not narrowed by ${left.join(", ")}`].filter(Boolean).join("; ");
  return html`
    <${Panel} title="Operations by hour" note=${note} query=${query} height=${240}>${({ points }) => html`
      <${Heatmap} label="Operations by day and hour" unit="operations" points=${points.map(asPoint)}
        chosen=${range} hrefOf=${(from, to) => hrefWith({ range: null, from, to, record: null })} />`}
    </${Panel}>`;
}

const asPoint = ({ timestamp, operations, denied, requires_approval }) => ({
  timestamp,
  value: operations,
  text: denied === null ? "" : `${exact(denied)} denied, ${exact(requires_approval)} to approve`,
});

// Whole days of the reader's clock around the range. They stay the same while hours of the last days are chosen, so
// that the map does not move under the pointer. `part` says which of them there are of a longer range.
function daysOf({ period, from, to, ms }) {
  const start = period ? Date.now() - ms : Date.parse(from);
  for (const days of [FEWEST_DAYS, MOST_DAYS]) {
    const first = midnight(Date.now(), 1 - days);
    if (start < first && !(period && days === MOST_DAYS)) continue;
    return { start_date: new Date(first).toISOString(), part: ms > MOST_DAYS * DAY && `only the last ${MOST_DAYS} days` };
  }
  const [most, whole] = [midnight(start, MOST_DAYS), midnight(Date.parse(to), 1)];
  const end = Math.min(whole, most);
  const part = whole > most && `only the first ${MOST_DAYS} days`;
  const first = Math.min(midnight(start, 0), midnight(end, -FEWEST_DAYS));
  return { start_date: new Date(first).toISOString(), end_date: new Date(end - 1).toISOString(), part };
}

function midnight(time, days) {
  const date = new Date(time);
  date.setHours(0, 0, 0, 0);
  return date.setDate(date.getDate() + days);
}
