// What a day may cost the fleet and each category, and what an operator does about it.

import { html, useState } from "../../core/view.js";
import { exact, money } from "../../core/format.js";
import { hrefOf } from "../../core/route.js";
import { mayAct } from "../../core/session.js";
import { useQuery } from "../../core/query.js";
import { visible } from "../../parts/json.js";
import { BudgetBar, levelOf } from "../../parts/marks.js";
import { Menu } from "../../parts/menu.js";
import { LongList } from "../../parts/more.js";
import { Panel } from "../../parts/panel.js";
import { ACTS, Change } from "./change.js";

const MOST = 12; // until the reader asks for the rest
const ROW_PX = 49;

export function Limits() {
  const budgets = useQuery("/api/v1/budgets", { on: ["metrics", "operations", "agents"] });
  const shared = budgets.data?.filter(({ scope }) => !scope.startsWith("agent:"));
  return html`
    <${Panel} title="Budgets of the fleet and its categories" note="today, UTC; they hold for every decision" height=${ROW_PX * 6}
      query=${{ ...budgets, data: shared }}>${(all) => html`
      ${!mayAct.value && html`<p class="muted small">Changing them takes a token with the role operator.</p>`}
      <${LongList} items=${all} most=${MOST}>${(items) => html`
        <ul class="limits">${items.map((budget) => html`
          <${Item} key=${budget.scope} budget=${budget} reload=${budgets.reload} />`)}</ul>`}</${LongList}>`}</${Panel}>`;
}

const possible = ({ limit, paused }) =>
  Object.keys(ACTS).filter((name) => !(name === "raise" && limit === null) && name !== (paused ? "pause" : "resume"));

function Item({ budget, reload }) {
  const [act, setAct] = useState(null);
  const { scope, limit, used, reserved, paused } = budget;
  const name = scope === "fleet" ? "The whole fleet" : visible(budget.name);
  return html`
    <li>
      ${scope === "fleet"
        ? html`<b class="who">${name}</b>`
        : html`<a class="who clip" title=${name} href=${hrefOf("/agents", { category: budget.name })}><bdi>${name}</bdi></a>`}
      <span class="bar">${paused
        ? html`<span class="state" data-state="warn">paused: nothing is allowed</span>`
        : limit !== null && html`<${BudgetBar} used=${used + reserved} limit=${limit} />`}</span>
      <${Sums} budget=${budget} />
      ${mayAct.value && html`<${Menu} label=${html`Change<span class="hidden-text"> the budget of ${name}</span>`}>${(close) => possible(budget).map((each) => html`
        <button class="button quiet" key=${each} onClick=${() => { close(); setAct(each); }}>${ACTS[each].button}</button>`)}</${Menu}>`}
      ${act !== null && html`<${Change} key=${act} name=${name} budget=${budget} act=${act} reload=${reload} onClose=${() => setAct(null)} />`}
    </li>`;
}

function Sums({ budget: { limit, used, reserved, remaining, raised } }) {
  const level = limit === null ? "normal" : levelOf(used + reserved, limit);
  const notes = [
    limit === null ? `${money(used)} used, no limit` : `${money(used)} of ${money(limit)} used`,
    reserved > 0 && `${money(reserved)} reserved`,
    remaining !== null && `${money(remaining)} left`,
    raised > 0 && limit !== null && `raised by ${money(raised)} today`,
  ].filter(Boolean);
  return html`<span class="sums muted" title="USD ${exact(used)}">${notes.join(" · ")}
    ${level !== "normal" && html` · <b data-level=${level}>${level}</b>`}</span>`;
}
