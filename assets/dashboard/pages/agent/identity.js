// Who an agent is.

import { html } from "../../core/view.js";
import { percent } from "../../core/format.js";
import { hrefOf } from "../../core/route.js";
import { CopyButton } from "../../parts/copy.js";
import { Ago } from "../../parts/marks.js";
import { LongList, LongText } from "../../parts/more.js";

export function Identity({ agent }) {
  const { metadata, timestamps } = agent;
  const facts = [
    ["Role", html`<a href=${hrefOf("/agents", { role: agent.role })}>${agent.role}</a>
      <span class="muted"> ${percent(agent.role_confidence)} sure</span>
      ${agent.role_reasoning && html`<p class="muted"><${LongText} text=${agent.role_reasoning} /></p>`}`],
    ["Category", html`<a href=${hrefOf("/agents", { category: metadata.category })}>${metadata.category}</a>
      ${metadata.specialist && html`<span class="muted"> specialist</span>`}`],
    ["Capabilities", html`<${Tags} items=${agent.capabilities} />`],
    ["Tags", html`<${Tags} items=${metadata.tags} href=${(tag) => hrefOf("/agents", { tag })} />`],
    ["Version", metadata.version],
    ["Last active", html`<${Ago} at=${timestamps.last_active_at} />`],
    ["Updated", html`<${Ago} at=${timestamps.updated_at} />`],
    ["Created", html`<${Ago} at=${timestamps.created_at} />`],
    ["Id", html`<code>${agent.agent_id}</code> <${CopyButton} text=${() => agent.agent_id} label="Copy" />`],
  ];
  return html`
    <section class="panel" aria-label="Identity">
      <header><h2>Identity</h2></header>
      ${agent.description && html`<p><${LongText} text=${agent.description} /></p>`}
      <dl class="facts">${facts.map(([label, value]) => html`<dt key=${label}>${label}</dt><dd>${value}</dd>`)}</dl>
    </section>`;
}

function Tags({ items, href }) {
  if (items.length === 0) return html`<span class="muted">none</span>`;
  const tag = (item) => (href
    ? html`<a class="tag clip" title=${item} href=${href(item)}>${item}</a>`
    : html`<span class="tag clip" title=${item}>${item}</span>`);
  return html`<${LongList} items=${items}>${(shown) => html`
    <ul class="tags">${shown.map((item) => html`<li key=${item}>${tag(item)}</li>`)}</ul>`}</${LongList}>`;
}
