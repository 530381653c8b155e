// What sizes, colours and shapes on the map mean, in words; a state is also a filter.

import { html, useEffect, useRef } from "../../core/view.js";
import { hrefWith, parameter } from "../../core/route.js";
import { theme } from "../../core/theme.js";
import { count } from "../../core/format.js";
import { levelOf, STATUSES } from "../../parts/marks.js";
import { canvasColors } from "./colors.js";
import { paintDisc } from "./discs.js";
import { LOOKS, SIZES } from "./measure.js";

const LEVELS = [
  { kind: "normal", fill: 0.4, label: "under 70 % of the budget" },
  { kind: "warning", fill: 0.8, label: "to 90 %" },
  { kind: "critical", fill: 0.9, label: "to 100 %" },
  { kind: "exceeded", fill: 1, label: "beyond" },
];

export function Legend({ agents, size, color, hasLines }) {
  const numberOf = (isMeant) => count(agents.filter(isMeant).length);
  return html`
    <div class="map-legend small">
      <ul aria-label="Colours and shapes">
        ${color === "budget"
          ? LEVELS.map(({ kind, fill, label }) => html`
            <li key=${kind}><span class="row"><${Disc} kind=${kind} fill=${fill} />${label}
              <b>${numberOf((agent) => levelOf(agent.cost_used_today, agent.max_cost_per_day) === kind)}</b></span></li>`)
          : STATUSES.map((status) => html`
            <li key=${status}><a class="row" href=${hrefWith({ status: parameter("status") === status ? null : status })}
              aria-current=${parameter("status") === status ? "true" : undefined}>
              <${Disc} kind=${status} fill=${LOOKS.find(({ kind }) => kind === status).fill} />${status}
              <b>${numberOf((agent) => agent.status === status)}</b></a></li>`)}
      </ul>
      <span class="muted">Area: ${SIZES.find(({ value }) => value === size).text}${hasLines && ". Arrow: spawned"}</span>
    </div>`;
}

const MARK_PX = 18;

// The same disc as on the map.
function Disc({ kind, fill }) {
  const canvas = useRef(null);
  useEffect(() => {
    canvas.current.width = canvas.current.height = MARK_PX * devicePixelRatio;
    const context = canvas.current.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    paintDisc(context, { kind, fill }, MARK_PX / 2, MARK_PX / 2, MARK_PX / 2 - 1, canvasColors());
  }, [kind, fill, theme.value]);
  return html`<canvas ref=${canvas} aria-hidden="true" style=${{ width: `${MARK_PX}px`, height: `${MARK_PX}px` }} />`;
}
