// Overview: does anything need me, what is going on, what does it cost.

import { computed, html } from "../core/view.js";
import { fleet } from "../core/fleet.js";
import { Empty } from "../parts/panel.js";
import { Busy } from "./overview/busy.js";
import { Feed } from "./overview/feed.js";
import { Figures } from "./overview/figures.js";
import { Needs } from "./overview/needs.js";

const hasNone = computed(() => {
  const { agents, error, isLoading } = fleet.value;
  return !isLoading && !error && agents.length === 0;
});

export function Overview() {
  return html`
    ${hasNone.value && html`<${NoAgents} />`}
    <${Needs} />
    <${Figures} />
    <div class="wide-narrow"><${Busy} /><${Feed} /></div>`;
}

const NoAgents = () => html`
  <${Empty}>
    <p>No agent is registered yet. Read your fleet's identity files, or begin with the sample fleet:</p>
    <p><code>agentmap seed ./identities</code></p>
    <p><code>agentmap serve --seed-if-empty sample</code></p>
    <p>An agent need not be registered to be audited: what hooks send is recorded all the same.</p>
  </${Empty}>`;
