// When there is nothing to list: what to do about it.

import { html } from "../../core/view.js";
import { totalOf, urlOf } from "../../core/api.js";
import { useQuery } from "../../core/query.js";
import { asDates, RANGES } from "../../core/range.js";
import { hrefWith } from "../../core/route.js";
import { count } from "../../core/format.js";
import { RecordEvent } from "../../parts/commands.js";
import { Empty } from "../../parts/panel.js";
import { FILTERS } from "./filters.js";

const LONGEST = RANGES.at(-1);

export const NothingRecorded = () => html`
  <${Empty}>
    <p>Nothing was recorded yet. A hook of an agent records what it does; this records a first operation:</p>
    <${RecordEvent} />
  </${Empty}>`;

// Which filter keeps records away, and how many there are without it.
export function NothingMatches({ list: { parameters }, filters }) {
  const set = Object.keys(filters);
  return html`
    <${Empty}>
      <p>No record matches all of this.</p>
      <ul class="stack">
        ${set.map((name) => html`
          <${Without} key=${name} parameters=${{ ...parameters, [name]: null }} href=${hrefWith({ [name]: null })}
            label="Drop ${FILTERS[name].label.toLowerCase()} ${FILTERS[name].text(filters[name])}" />`)}
        <${Without} parameters=${{ ...filters, ...asDates(LONGEST) }}
          href=${hrefWith({ range: LONGEST.period, from: null, to: null })} label="Look at the last ${LONGEST.label}" />
      </ul>
    </${Empty}>`;
}

function Without({ parameters, href, label }) {
  const { headers } = useQuery(urlOf("/api/v1/events/audit", { ...parameters, limit: 1 }));
  const total = headers && totalOf(headers);
  return html`<li class="row"><a class="clip" href=${href}>${label}</a>
    <span class="nowrap">${total && `${count(total.count)}${total.isExact ? "" : "+"} records`}</span></li>`;
}
