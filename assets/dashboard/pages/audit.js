// Audit: what was done, by whom, and what was decided about it.

import { computed, html } from "../core/view.js";
import { now } from "../core/clock.js";
import { useQuery } from "../core/query.js";
import { asDates, range } from "../core/range.js";
import { parameter, setParameters } from "../core/route.js";
import { exact } from "../core/format.js";
import { urlOf } from "../core/api.js";
import { Chips } from "../parts/filters.js";
import { chosenFilters, FilterBar, FILTERS } from "./audit/filters.js";
import { NothingMatches, NothingRecorded } from "./audit/empty.js";
import { Export } from "./audit/export.js";
import { Operations } from "./audit/operations.js";
import { RecordDrawer } from "./audit/record.js";
import { RecordTable } from "./audit/table.js";
import { Refusals, useRefusals } from "./audit/refusals.js";
import { useRecords } from "./audit/records.js";

const STATS = "/api/v1/events/audit/stats";
const MINUTE = 60_000;

// A range up to now moves on by the minute: what is counted of it moves along, the list stays as it was read.
const minute = computed(() => Math.floor(now.value / MINUTE));

export function Audit() {
  const filters = chosenFilters();
  const list = useRecords(filters, range.value);
  void minute.value;
  const dates = asDates(range.value);
  const ever = useQuery(STATS, { on: ["operations"] });
  const within = useQuery(urlOf(STATS, dates), { on: ["operations"] });
  const refusals = useRefusals({ ...filters, ...dates });
  const seq = parameter("record");
  const isVirgin = ever.data?.total_operations === 0;
  const isEmpty = !list.isOld && list.records?.length === 0 && list.next === null;
  return html`
    <section class="stack" aria-label="Filters">
      <${FilterBar} stats=${within.data} reasons=${refusals.data?.reasons ?? []} />
      <${Chips} names=${FILTERS} />
      <div class="row wrap"><${Total} list=${list} /><span class="spring" /><${Export} parameters=${list.parameters} /></div>
    </section>
    ${isVirgin ? html`<${NothingRecorded} />` : html`
      <div class="audit-figures">
        <${Operations} filters=${filters} range=${range.value} />
        <${Refusals} query=${refusals} filters=${filters} />
      </div>
      ${isEmpty ? html`<${NothingMatches} list=${list} filters=${filters} />` : html`<${RecordTable} list=${list} />`}`}
    ${seq !== null && html`
      <${RecordDrawer} seq=${seq} list=${list} total=${ever.data?.total_operations}
        onClose=${() => setParameters({ record: null })} />`}`;
}

function Total({ list: { total, isOld, error } }) {
  if (total === undefined) return html`<p class="muted">${error ? "Not counted" : "Counting…"}</p>`;
  const { count, isExact } = total;
  const { period, label } = range.value;
  return html`
    <p class="audit-total" data-old=${isOld || undefined}><b>${exact(count)}${isExact ? "" : "+"}</b>
      ${count === 1 && isExact ? " record" : " records"}
      ${" "}<span class="muted">${period ? `in the last ${label}` : label}</span></p>`;
}
