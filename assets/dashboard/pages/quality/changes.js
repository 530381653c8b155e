// Which agents got worse and which better: the score of the window before, and that of now, joined by a line.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { hrefOf } from "../../core/route.js";
import { points } from "../../core/format.js";
import { spread } from "../../parts/labels.js";
import { Panel } from "../../parts/panel.js";

const STEADY = 1; // changes of up to a point are none, as for the server
const MOST = 8; // of either kind
const HEIGHT = 320;
const LINE_PX = 15;
const TOP = 28;
const BEFORE_PX = 44; // for the former score

// The change in points of 100, without the noise of the subtraction; null without a former score.
export const changeOf = ({ quality_score: now, previous_score: before }) =>
  (typeof before === "number" ? Math.round((now - before) * 1e6) / 1e4 : null);

export const signed = (change) => `${change > 0 ? "+" : change < 0 ? "−" : "±"}${points(Math.abs(change))}`;

const stateOf = ({ change }) => (change < 0 ? "bad" : "ok");

// The agents that were scored before, too, each with its `change`, and those of them that changed most first.
export function changesOf(agents) {
  const compared = agents.map((agent) => ({ ...agent, change: changeOf(agent) }))
    .filter(({ change }) => change !== null).sort((a, b) => a.change - b.change);
  return {
    compared,
    worse: compared.filter(({ change }) => change < -STEADY),
    better: compared.filter(({ change }) => change > STEADY).reverse(),
  };
}

export function Changes({ days, report, changes: { compared, worse, better } }) {
  const window = days === 1 ? "24 hours" : `${days} days`;
  return html`
    <${Panel} title="Worse and better" note="against the ${window} before" query=${report} height=${HEIGHT}>${() => {
      if (compared.length === 0) {
        return html`<p class="muted">No agent was scored both in the last ${window} and in the ${window} before.</p>`;
      }
      const moved = worse.length + better.length;
      if (moved === 0) return html`<p class="muted">No agent's score moved by more than a point.</p>`;
      const shown = [...worse.slice(0, MOST), ...better.slice(0, MOST)];
      return html`
        <${Slopes} agents=${shown} window=${window} />
        <${Figures} agents=${shown} window=${window} />
        ${shown.length < moved && html`<p class="muted small">The ${MOST} that changed most of either kind, of
          ${" "}${worse.length} worse and ${better.length} better.</p>`}`;
    }}</${Panel}>`;
}

// The same as text, for those who do not see the lines.
const Figures = ({ agents, window }) => html`
  <div class="hidden-text"><table>
    <caption>Agents that got worse, then those that got better</caption>
    <thead><tr><th scope="col">Agent</th><th scope="col">The ${window} before</th><th scope="col">Last ${window}</th>
      <th scope="col">Change</th></tr></thead>
    <tbody>${agents.map((agent) => html`
      <tr key=${agent.id}><th scope="row">${agent.name}</th><td>${points(agent.previous_score * 100)}</td>
        <td>${points(agent.quality_score * 100)}</td><td>${signed(agent.change)}</td></tr>`)}</tbody>
  </table></div>`;

function Slopes({ agents, window }) {
  const box = useRef(null);
  const [width, setWidth] = useState(600);
  useLayoutEffect(() => {
    const measure = () => setWidth(Math.max(240, box.current.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const scores = agents.flatMap(({ quality_score: now, previous_score: before }) => [now, before]);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const y = (score) => TOP + (high > low ? (high - score) / (high - low) : 0.5) * (HEIGHT - TOP - LINE_PX);
  const right = Math.max(width * 0.4, width - 300);
  const place = (values) => spread(values.map(y), LINE_PX, TOP, HEIGHT - LINE_PX / 2);
  const before = place(agents.map((agent) => agent.previous_score));
  const after = place(agents.map((agent) => agent.quality_score));
  return html`
    <div class="slopes" ref=${box} style=${{ height: `${HEIGHT}px` }} aria-hidden="true">
      <svg width="100%" height=${HEIGHT}>
        <text class="axis" x="0" y="10">${window} before</text><text class="axis" x=${right} y="10">now</text>
        ${agents.map((agent, index) => {
          const [start, end] = [y(agent.previous_score), y(agent.quality_score)];
          return html`<g key=${agent.id} class="slope" data-state=${stateOf(agent)}>
            <text x=${BEFORE_PX - 14} y=${before[index]} text-anchor="end">${points(agent.previous_score * 100)}</text>
            <path d="M${BEFORE_PX - 10} ${before[index]}L${BEFORE_PX} ${start}L${right - 20} ${end}L${right - 6} ${
              after[index]}" />
            <circle cx=${BEFORE_PX} cy=${start} r="2.5" /><circle cx=${right - 20} cy=${end} r="2.5" />
          </g>`;
        })}
      </svg>
      ${agents.map((agent, index) => html`
        <a key=${agent.id} class="slope-name" tabindex="-1" href=${hrefOf(`/agents/${agent.id}`)}
          style=${{ insetInlineStart: `${right}px`, top: `${after[index] - LINE_PX / 2}px` }}>
          <b>${points(agent.quality_score * 100)}</b>
          <span class="delta" data-state=${stateOf(agent)}>${signed(agent.change)}</span>
          <span class="clip" title=${agent.name}>${agent.name}</span></a>`)}
    </div>`;
}
