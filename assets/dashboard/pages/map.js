// Fleet map: every agent at its place, grouped by category and role, and what happens right now.

import { html, useMemo } from "../core/view.js";
import { urlOf } from "../core/api.js";
import { fleet, load } from "../core/fleet.js";
import { parameter, setParameters } from "../core/route.js";
import { useQuery } from "../core/query.js";
import { count } from "../core/format.js";
import { Chips, Choice, Search } from "../parts/filters.js";
import { STATUSES } from "../parts/marks.js";
import { Empty, Problem, Skeleton } from "../parts/panel.js";
import { MapCanvas } from "./map/canvas.js";
import { Legend } from "./map/legend.js";
import { FleetList } from "./map/list.js";
import { amountOf, COLORS, SIZES } from "./map/measure.js";
import { useSpawns } from "./map/spawns.js";

const ACTIVITY = urlOf("/api/v1/agents/activity", { minutes: 60, limit: 10_000 });
const ACTIVITY_EVERY_MS = 10_000;
const FILTERS = { q: "Search", category: "Category", role: "Role", status: "Status" };

export function FleetMap() {
  const { agents, error, isLoading } = fleet.value;
  if (isLoading) return html`<section class="map-page" aria-busy="true"><${Skeleton} height=${560} /></section>`;
  if (error && agents.length === 0) return html`<${Problem} error=${error} retry=${load} />`;
  if (agents.length === 0) return html`<${NoAgents} />`;
  return html`<${Fleet} agents=${agents} />`;
}

function Fleet({ agents }) {
  const query = useQuery(ACTIVITY, { on: ["operations", "metrics"], every: ACTIVITY_EVERY_MS });
  const activity = useMemo(() => activityOf(query), [query.data, query.error === undefined]);
  const spawns = useSpawns();
  const [size, color] = [chosen("size", SIZES), chosen("color", COLORS)];
  const isShown = matcher();
  const shown = isShown === null ? agents : agents.filter(isShown);
  const isList = parameter("view") === "list";
  const options = (key) => [...Map.groupBy(agents, (agent) => agent[key])]
    .map(([value, { length }]) => ({ value, label: value.replaceAll("_", " "), count: length }))
    .sort((a, b) => b.count - a.count);
  return html`
    <section class="map-page" data-view=${isList ? "list" : "map"} aria-label="Fleet map">
      <div class="filters map-filters">
        <${Search} isMain label="Search agents" />
        <div class="row map-view" role="group" aria-label="View">
          <button class="button" aria-pressed=${!isList} onClick=${() => setParameters({ view: null })}>Map</button>
          <button class="button" aria-pressed=${isList} onClick=${() => setParameters({ view: "list" })}>List</button>
        </div>
        <${Choice} name="category" label="Category" options=${options("category")} />
        <${Choice} name="role" label="Role" options=${options("role")} />
        <${Choice} name="status" label="Status" options=${STATUSES} />
        ${!isList && html`
          <span class="spring" />
          <${Mode} name="color" label="Colour" modes=${COLORS} value=${color} />
          <${Mode} name="size" label="Size" modes=${SIZES} value=${size} />`}
      </div>
      <${Chips} names=${FILTERS} />
      ${isShown && html`<p class="small muted" role="status">${shown.length === 0
        ? "No agent matches: remove one of the filters."
        : `${count(shown.length)} of ${count(agents.length)} agents match.`}</p>`}
      ${query.error && html`<${Problem} error=${query.error} retry=${query.reload} />`}
      ${isList
        ? html`<${FleetList} agents=${shown} amountOf=${activity && amountOf("activity", activity)}
          amountName="in the last hour" />`
        : html`
          <${MapCanvas} agents=${agents} activity=${activity} size=${size} color=${color} isShown=${isShown} spawns=${spawns} />
          <${Legend} agents=${shown} size=${size} color=${color} hasLines=${spawns.length > 0} />`}
    </section>`;
}

// What each agent did in the last hour, by its id; null while that is not known.
function activityOf({ data, error }) {
  if (data === undefined) return error ? new Map() : null;
  return new Map(data.agents.map(({ agent_id, total }) => [agent_id, total]));
}

const chosen = (name, modes) => (modes.find(({ value }) => value === parameter(name)) ?? modes[0]).value;

function Mode({ name, label, modes, value }) {
  const choose = ({ target }) => setParameters({ [name]: target.value === modes[0].value ? null : target.value });
  return html`
    <label><span class="hidden-text">${label}</span>
      <select value=${value} onChange=${choose}>
        ${modes.map((mode) => html`<option value=${mode.value}>${label}: ${mode.label}</option>`)}
      </select>
    </label>`;
}

// Whether an agent matches the filters in the address; null where there are none.
function matcher() {
  const text = parameter("q")?.toLowerCase();
  const exact = ["category", "role", "status"].map((name) => [name, parameter(name)]).filter(([, value]) => value !== null);
  if (!text && exact.length === 0) return null;
  const textsOf = ({ name, display_name, role, category, tags }) => [name, display_name, role, category, ...tags];
  return (agent) => exact.every(([name, value]) => agent[name] === value) &&
    (!text || textsOf(agent).some((each) => each.toLowerCase().includes(text)));
}

const NoAgents = () => html`
  <${Empty}>
    <p>There are no agents yet. Read identity files into the registry, also while the server runs:</p>
    <code>agentmap seed assets/identities</code>
    <p>Agents that register over the API appear here as well.</p>
  </${Empty}>`;
