// Agents: who there is, how each of them does, what it costs.

import { html, signal, useMemo } from "../core/view.js";
import { urlOf } from "../core/api.js";
import { announce } from "../core/announce.js";
import { fleet, load } from "../core/fleet.js";
import { focusOn } from "../core/focus.js";
import { count } from "../core/format.js";
import { useShortcuts } from "../core/keys.js";
import { useQuery } from "../core/query.js";
import { hrefOf, navigate, parameter } from "../core/route.js";
import { ColumnChoice, shownColumns } from "../parts/columns.js";
import { csv, download } from "../parts/csv.js";
import { Chips, Choice, Search } from "../parts/filters.js";
import { icon } from "../parts/icon.js";
import { Problem, Skeleton } from "../parts/panel.js";
import { Table, useSorted } from "../parts/table.js";
import { agentColumns, agentHref } from "./agents/columns.js";
import { NoAgents, NoneMatches } from "./agents/empty.js";
import { match, NAMES } from "./agents/filters.js";

const TABLE = "agents";
const SORT = "display_name";
const ACTIVITY = urlOf("/api/v1/agents/activity", { minutes: 60, limit: 10_000 });
const ACTIVITY_MS = 15_000;
const SKELETON_PX = 600;
const NEW = hrefOf("/agents/new");
const idOf = ({ agent_id }) => agent_id;

// The ids of the agents that the reader selected; they stay while another page is looked at.
const selection = signal(new Set());

function select(agents) {
  const next = new Set(selection.value);
  const areAll = agents.every(({ agent_id }) => next.has(agent_id));
  for (const { agent_id } of agents) {
    if (areAll) next.delete(agent_id);
    else next.add(agent_id);
  }
  selection.value = next;
}

export function Agents() {
  const { agents, error, isLoading } = fleet.value;
  const activity = useQuery(ACTIVITY, { on: ["operations", "metrics"], every: ACTIVITY_MS });
  const columns = useMemo(
    () => agentColumns(new Map(activity.data?.agents.map((agent) => [agent.agent_id, agent]))), [activity.data]);
  const set = Object.keys(NAMES).map((name) => [name, parameter(name)]).filter(([, value]) => value !== null);
  const wanted = Object.fromEntries(set);
  const list = JSON.stringify(wanted);
  const { found, alone, without, options } = useMemo(() => match(agents, wanted), [agents, list]);
  const rows = useSorted(found, columns, { fallback: SORT, rowKey: idOf });
  useShortcuts("Page", [{ keys: "n", label: "New agent", run: () => navigate(NEW) }]);
  const hasAgents = agents.length > 0;
  return html`
    <div class="agents" aria-busy=${isLoading}>
      <div class="filters">
        <${Search} label="Search names, roles, tags" isMain />
        ${Object.entries(options).map(([name, values]) => html`
          <${Choice} key=${name} name=${name} label=${NAMES[name]} options=${values} />`)}
        <span class="spring" />
        <${ColumnChoice} table=${TABLE} columns=${columns} />
        <${Export} rows=${rows} columns=${columns} />
        <a class="button primary" href=${NEW}>New agent</a>
      </div>
      <div class="row wrap summary">
        <span class="muted small">${hasAgents && shownOf(found.length, agents.length)}</span>
        <${Chips} names=${NAMES} counts=${alone} />
        <${Selection} />
      </div>
      ${error && html`<${Problem} error=${error} retry=${load} />`}
      ${isLoading && html`<${Skeleton} height=${SKELETON_PX} />`}
      ${!isLoading && !error && !hasAgents && html`<${NoAgents} />`}
      ${hasAgents && found.length === 0 && html`<${NoneMatches} wanted=${wanted} without=${without} total=${agents.length} />`}
      ${found.length > 0 && html`
        <${Table} name=${TABLE} label="Agents" columns=${columns} rows=${rows} rowKey=${idOf} list=${list} fallback=${SORT}
          selected=${selection.value} onSelect=${select} onOpen=${(agent) => navigate(agentHref(agent))}
          onEdit=${(agent) => navigate(agentHref(agent, { edit: 1 }))} />`}
    </div>`;
}

const shownOf = (found, all) => (found === all ? `${count(all)} agents` : `${count(found)} of ${count(all)} agents`);

function Selection() {
  const { size } = selection.value;
  if (size === 0) return null;
  const clear = () => {
    focusOn(document.querySelector("main [role=grid]") ?? document.getElementById("page"));
    selection.value = new Set();
  };
  return html`<span class="row small">${count(size)} selected <button class="link" onClick=${clear}>Clear the selection</button></span>`;
}

// Exactly what is shown: these rows in this order, these columns; of a selection, what of it is shown.
function Export({ rows, columns }) {
  const ids = selection.value;
  const selected = ids.size === 0 ? [] : rows.filter(({ agent_id }) => ids.has(agent_id));
  const chosen = selected.length > 0 ? selected : rows;
  const save = () => {
    const shown = shownColumns(TABLE, columns);
    const lines = chosen.map((row) => shown.map(({ value }) => value(row)));
    download("agents.csv", csv([shown.map(({ label }) => label), ...lines]));
    announce(`${count(chosen.length)} agents exported`);
  };
  return html`<button class="button" disabled=${rows.length === 0} onClick=${save}>
    ${icon("download")}${selected.length > 0 ? `Export ${count(selected.length)} selected` : "Export"}</button>`;
}
