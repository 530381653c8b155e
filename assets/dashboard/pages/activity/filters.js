// The filters of the feed.

import { html } from "../../core/view.js";
import { fleet } from "../../core/fleet.js";
import { parameters, setParameters } from "../../core/route.js";
import { words } from "../../core/format.js";
import { Chips, Choice, Exact, Search } from "../../parts/filters.js";
import { DECISIONS, EVENT_TYPES } from "../../parts/marks.js";
import { Menu } from "../../parts/menu.js";
import { FILTERS } from "./wanted.js";

const SUGGESTED = 50;
const DECISION_CHOICES = [
  { value: "refused", label: "only refusals" }, ...DECISIONS.map((value) => ({ value, label: words(value) })),
];

export function Filters({ children }) {
  return html`
    <div class="filters">
      <${Search} label="Text in the event" isMain />
      <${Types} />
      <${Choice} name="decision" label="Decision" options=${DECISION_CHOICES} />
      <${Exact} name="agent" label="Agent" suggest=${agentsLike} />
      <${Exact} name="session" label="Session" />
      ${children}
    </div>
    <${Chips} names=${FILTERS} />`;
}

const agentsLike = (text) => {
  const wanted = text.toLowerCase();
  const found = [];
  for (const { name } of fleet.value.agents) {
    if (name.includes(wanted)) found.push(name);
    if (found.length === SUGGESTED) break;
  }
  return found;
};

// Several types of events.
function Types() {
  const chosen = parameters("type");
  const set = (type, isOn) => {
    const next = isOn ? [...chosen, type] : chosen.filter((each) => each !== type);
    setParameters({ type: next.join() || null });
  };
  return html`
    <${Menu} label=${["Events", chosen.length > 0 && ` (${chosen.length})`]}>
      ${EVENT_TYPES.map((type) => html`
        <label class="row" key=${type}>
          <input type="checkbox" checked=${chosen.includes(type)} onChange=${({ target }) => set(type, target.checked)} />
          ${words(type)}
        </label>`)}
    </${Menu}>`;
}
