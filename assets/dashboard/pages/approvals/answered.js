// What was answered, or ended without an answer, lately.

import { html } from "../../core/view.js";
import { useQuery } from "../../core/query.js";
import { hrefWith } from "../../core/route.js";
import { Ago, Answered } from "../../parts/marks.js";
import { LongText } from "../../parts/more.js";
import { Panel } from "../../parts/panel.js";
import { inOneLine, shown } from "./question.js";

const READ = 200; // of all, those that wait among them
const SHOWN = 15;
const HEIGHT = 120;

const endOf = ({ resolved_at, expires_at }) => resolved_at ?? expires_at;

export function AnsweredList({ opened }) {
  const query = useQuery(`/api/v1/approvals?limit=${READ}`, { on: ["approvals"], every: 500 });
  return html`
    <${Panel} title="Answered" note="the latest first" query=${query} height=${HEIGHT}>${(all) => {
      const ended = all.filter(({ status }) => status !== "pending").sort((a, b) => (endOf(a) < endOf(b) ? 1 : -1));
      if (ended.length === 0) return html`<p class="muted">Nothing was answered yet.</p>`;
      return html`
        <ul class="answered" aria-label="Answered, the latest first">
          ${ended.slice(0, SHOWN).map((approval) => html`
            <${Line} key=${approval.approval_id} approval=${approval} isOpen=${approval.approval_id === opened} />`)}
        </ul>`;
    }}</${Panel}>`;
}

function Line({ approval, isOpen }) {
  const { approval_id, agent_name, resolved_by, reason } = approval;
  const what = `${shown(agent_name)}: ${inOneLine(approval)}`;
  return html`
    <li>
      <a class="clip" href=${hrefWith({ approval: approval_id })} title=${what.slice(0, 300)} aria-current=${isOpen || undefined}><bdi>${what.slice(0, 300)}</bdi></a>
      <span class="muted small"><${Ago} at=${endOf(approval)} /></span>
      <span class="small breakable"><${Answered} ...${approval} />
        ${resolved_by && html`<span class="muted"> by ${shown(resolved_by)}</span>`}${reason && html`<span class="muted">: <${LongText} text=${shown(reason)} /></span>`}</span>
    </li>`;
}
