// The map to look at and to move in: by mouse, fingers and keys.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { announce } from "../../core/announce.js";
import { agentById } from "../../core/fleet.js";
import { useShortcuts } from "../../core/keys.js";
import { hrefOf, navigate } from "../../core/route.js";
import { theme } from "../../core/theme.js";
import { count, money, words } from "../../core/format.js";
import { visible } from "../../parts/json.js";
import { Problem, Skeleton } from "../../parts/panel.js";
import { useArrangement } from "./arrange.js";
import { Card } from "./card.js";
import { canvasColors } from "./colors.js";
import { follow } from "./gestures.js";
import { LastEvent } from "./last_event.js";
import { lookOf } from "./measure.js";
import { News } from "./news.js";
import { Scene } from "./scene.js";
import { linesOf } from "./spawns.js";

const STEP_PX = 80;
const NEARER = 1.5;
const ASPECT_STEP = 1.3;

// `isShown(agent)` is null without a filter.
export function MapCanvas({ agents, activity, size, color, isShown, spawns }) {
  const [box, below, above] = [useRef(null), useRef(null), useRef(null)];
  const [parts, setParts] = useState(null); // {scene, news}, once there are canvases
  const [aspect, setAspect] = useState(null);
  const { arrangement, failure } = useArrangement({ agents, size, aspect, activity });

  useLayoutEffect(() => {
    const scene = new Scene(below.current, above.current);
    const news = new News((events) => scene.pulse(events));
    const observer = new ResizeObserver(([{ contentRect: { width, height } }]) => {
      scene.setSize({ width, height });
      setAspect(aspectOf(width / height));
    });
    observer.observe(box.current);
    const shown = (act) => (...gesture) => { if (scene.hasModel) act(...gesture); };
    const leave = follow(above.current, {
      onMove: shown((dx, dy) => { scene.point(null); scene.move(dx, dy); }),
      onZoom: shown((point, factor) => { scene.point(null); scene.zoom(factor, point); }),
      onPoint: shown((point) => {
        const id = point && scene.at(point).id;
        above.current.dataset.over = id ? "agent" : "";
        scene.point(id);
      }),
      onClick: shown((point, event) => click(scene, point, event)),
    });
    setParts({ scene, news });
    return () => {
      leave();
      observer.disconnect();
      news.end();
      scene.end();
    };
  }, []);
  useEffect(() => parts?.scene.setColors(canvasColors()), [parts, theme.value]);
  useEffect(() => {
    if (!parts || !arrangement) return;
    const { agents: placed, layout, radii } = arrangement;
    const indexes = new Map(placed.map(({ agent_id }, index) => [agent_id, index]));
    parts.scene.setModel({
      agents: placed, layout, radii,
      looks: Uint8Array.from(placed, (agent) => lookOf(color, agent)),
      isShown: isShown && Uint8Array.from(placed, (agent) => Number(isShown(agent))),
      lines: linesOf(spawns, indexes),
    });
  });

  const isReady = parts !== null && (arrangement !== null || parts.scene.hasModel);
  const leaveAgent = ({ relatedTarget }) => { if (!relatedTarget?.closest(".map-card")) parts?.scene.point(null); };
  const keys = useMapKeys(isReady ? parts.scene : null, above);
  return html`
    ${failure && html`<${Problem} ...${failure} />`}
    <div class="map-box" ref=${box} aria-busy=${!isReady && !failure}>
      <canvas class="map-layer" ref=${below} aria-hidden="true" />
      <canvas class="map-layer map-top" ref=${above} tabindex="0" role="application" aria-roledescription="map"
        aria-label="Map of ${count(agents.length)} agents" aria-describedby="map-help" onBlur=${leaveAgent} />
      <p class="hidden-text" id="map-help">n and p walk over the agents, Enter opens one, arrows move the map, plus and minus
        zoom, 0 shows all of it. The list view holds the same as text.</p>
      ${!isReady && !failure && html`<${Skeleton} height=${400} />`}
      <div class="map-buttons">
        <button class="button icon" aria-label="Zoom in" title="Zoom in (+)" onClick=${keys.nearer}>+</button>
        <button class="button icon" aria-label="Zoom out" title="Zoom out (-)" onClick=${keys.farther}>−</button>
        <button class="button" title="Show the whole map (0)" onClick=${keys.fit}>All</button>
      </div>
    </div>
    ${parts && html`<${LastEvent} newest=${parts.news.newest} />`}
    ${isReady && html`<${Card} pointed=${parts.scene.pointed} canvas=${above} lastEventOf=${parts.news.lastEventOf} />`}`;
}

// In steps: the map stays as it is while the window changes a little.
const aspectOf = (ratio) => ASPECT_STEP ** Math.round(Math.log(ratio) / Math.log(ASPECT_STEP));

const open = (id) => navigate(hrefOf(`/agents/${id}`));

// An agent opens, a category comes nearer. A finger hides what it points at: its first tap shows who that is.
function click(scene, point, { pointerType }) {
  const isTouch = pointerType === "touch";
  const before = scene.pointed.peek()?.id;
  const { id, category } = scene.at(point, isTouch);
  if (id !== null && (!isTouch || id === before)) open(id);
  else if (id !== null) scene.point(id, true);
  else {
    scene.point(null);
    if (category !== null) {
      scene.flyTo(category);
      announce(`${words(category.name)}, ${count(category.agents.length)} agents`);
    }
  }
}

function useMapKeys(scene, canvas) {
  const act = (run) => () => (scene?.hasModel ? run() : false);
  const focused = (run) => act(() => (document.activeElement === canvas.current ? run() : false));
  const walk = (step) => act(() => {
    const id = scene.walk(step);
    canvas.current.focus();
    announce(id === null ? "No agent matches the filters" : spoken(agentById(id)));
  });
  const move = (dx, dy) => focused(() => scene.move(dx * STEP_PX, dy * STEP_PX));
  const pointed = () => scene.pointed.peek();
  const nearer = act(() => scene.zoom(NEARER));
  const farther = act(() => scene.zoom(1 / NEARER));
  const fit = act(() => scene.fit());
  useShortcuts("Map", [
    { keys: "+", label: "Zoom in", run: nearer },
    { keys: "-", label: "Zoom out", run: farther },
    { keys: "0", label: "Show the whole map", run: fit },
    { keys: "n", label: "Next agent", run: walk(1) },
    { keys: "p", label: "Previous agent", run: walk(-1) },
    { keys: "Enter", label: "Open the agent", run: focused(() => (pointed() ? open(pointed().id) : false)) },
    { keys: "ArrowLeft", label: "Move the map left", run: move(1, 0) },
    { keys: "ArrowRight", label: "Move the map right", run: move(-1, 0) },
    { keys: "ArrowUp", label: "Move the map up", run: move(0, 1) },
    { keys: "ArrowDown", label: "Move the map down", run: move(0, -1) },
    { keys: "Escape", label: "Let go of the agent", run: focused(() => (pointed() ? scene.point(null) : false)) },
  ]);
  return { nearer, farther, fit };
}

const spoken = ({ display_name, role, category, status, cost_used_today, max_cost_per_day, currency } = {}) =>
  display_name && visible(`${display_name}, ${words(role)} in ${words(category)}, ${status}, ` +
    `${money(cost_used_today, currency)} of ${money(max_cost_per_day, currency)} today`);
