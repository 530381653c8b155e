// What happened in the same session just before and after a record.

import { html } from "../../core/view.js";
import { nextPageOf, urlOf } from "../../core/api.js";
import { useQuery } from "../../core/query.js";
import { hrefWith } from "../../core/route.js";
import { words } from "../../core/format.js";
import { visible } from "../../parts/json.js";
import { Ago, Decision } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";
import { UNKNOWN } from "./filters.js";

const AUDIT = "/api/v1/events/audit";
const EACH_WAY = 4;
const READ = 200; // the list is newest first: those just after a record are at the end of all after it

export const SessionNeighbours = ({ record }) => (record.session_id === UNKNOWN
  ? html`<${Panel} title="In its session" height=${0}>${() =>
      html`<p class="muted small">No session was told with it.</p>`}</${Panel}>`
  : html`<${Neighbours} record=${record} />`);

function Neighbours({ record }) {
  const { session_id, timestamp, seq } = record;
  const after = useQuery(urlOf(AUDIT, { session_id, start_date: timestamp, limit: READ }), { on: ["operations"] });
  const before = useQuery(urlOf(AUDIT, { session_id, end_date: timestamp, limit: READ }));
  return html`
    <${Panel} title="In its session" query=${[after, before]} height=${160}>${(later, earlier) => {
      const isFar = nextPageOf(after.headers) !== null; // it went on for long: what was read is not what came next
      const all = [...(isFar ? [] : later), ...earlier.filter((each) => !later.some((other) => other.seq === each.seq))];
      const at = all.findIndex((each) => each.seq === seq);
      const near = all.slice(Math.max(0, at - EACH_WAY), at + EACH_WAY + 1);
      if (near.length < 2 && !isFar) return html`<p class="muted small">It is the only record of its session.</p>`;
      return html`
        ${isFar && html`<p class="muted small">More followed:
          ${" "}<a href=${hrefWith({ session_id, record: seq })}>the whole session</a></p>`}
        <ul class="neighbours">${near.map((each) => html`
          <${Neighbour} key=${each.seq} record=${each} isThis=${each.seq === seq} />`)}</ul>`;
    }}</${Panel}>`;
}

const Neighbour = ({ record: { seq, operation, target, rbac, timestamp }, isThis }) => html`
  <li><a href=${hrefWith({ record: seq })} aria-current=${isThis ? "true" : undefined}>
    <span class="number muted">${seq}</span>
    <span class="clip">${visible(`${words(operation.detail)} ${target.resource}`)}</span>
    <${Decision} decision=${rbac.decision} /><${Ago} at=${timestamp} />
  </a></li>`;
