// Paints the map: the circles of categories and roles, the agents, the lines of who spawned whom, the labels.

import { count, words } from "../../core/format.js";
import { visible } from "../../parts/json.js";
import { toWindow } from "./camera.js";
import { LOOKS } from "./measure.js";
import { clipped, withoutOverlap, wrapped } from "./labels.js";

const DIMMED = 0.16;
const NAMED_PX = 22; // the radius from which an agent has its name within
const ROLE_NAMED_PX = 36;
const NAMES = 300; // at most
const LONGEST = 200; // characters of a name that are looked at
const FONTS = {
  category: { font: "600 13px system-ui, sans-serif", height: 17, letter: 7.4 },
  role: { font: "500 11px system-ui, sans-serif", height: 14, letter: 6.2 },
  agent: { font: "11px system-ui, sans-serif", height: 13, letter: 5.9 },
};

// `model` is `{agents, layout, radii, looks, isShown, lines}` by the agents' index; `isShown` is null without a filter.
export function paintMap(context, { model, camera, size, colors, discs }) {
  const { layout, radii, looks, isShown } = model;
  const radius = (index) => Math.min(radii[index], layout.slots[index]) * camera.k;
  const place = (index) => toWindow(camera, size, { x: layout.x[index], y: layout.y[index] });
  const isSeen = ({ x, y }, r) => x + r > 0 && y + r > 0 && x - r < size.width && y - r < size.height;
  const isBright = (index) => isShown === null || isShown[index] === 1;
  const labels = { category: [], role: [], agent: [] };

  context.clearRect(0, 0, size.width, size.height);
  for (const category of layout.categories) {
    const middle = toWindow(camera, size, category);
    const r = category.r * camera.k;
    if (!isSeen(middle, r)) continue;
    circle(context, middle, r, colors.raised, colors.line);
    labels.category.push({ ...middle, r, text: words(category.name), more: ` · ${count(category.agents.length)}` });
    for (const role of category.roles) paintRole(role, category.roles.length > 1);
  }
  paintLines(context, model.lines, place, radius, colors);
  paintLabels(context, labels, size, colors);

  function paintRole(role, isOneOfSome) {
    const middle = toWindow(camera, size, role);
    const r = role.r * camera.k;
    if (!isSeen(middle, r)) return;
    if (isOneOfSome && r > 6) circle(context, middle, r, colors.bg, colors.line);
    if (r >= ROLE_NAMED_PX && role.agents.some(isBright)) labels.role.push({ ...middle, r, text: words(role.name) });
    for (const index of role.agents) {
      const own = radius(index);
      const x = (layout.x[index] - camera.x) * camera.k + size.width / 2; // as toWindow(), without an object for each
      const y = (layout.y[index] - camera.y) * camera.k + size.height / 2;
      if (x + own < 0 || y + own < 0 || x - own > size.width || y - own > size.height) continue;
      context.globalAlpha = isBright(index) ? 1 : DIMMED;
      discs.paint(context, looks[index], x, y, own);
      if (own < NAMED_PX || !isBright(index)) continue;
      labels.agent.push({ x, y, r: own, look: LOOKS[looks[index]], text: model.agents[index].display_name });
    }
    context.globalAlpha = 1;
  }
}

function circle(context, { x, y }, r, fill, stroke) {
  context.beginPath();
  context.arc(x, y, r, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = stroke;
  context.lineWidth = 1;
  context.stroke();
}

// From who spawned to who was spawned, with a tip at its rim.
function paintLines(context, lines, place, radius, colors) {
  context.strokeStyle = context.fillStyle = colors.muted;
  context.lineWidth = 1;
  context.globalAlpha = 0.7;
  for (const [from, to] of lines) {
    const [a, b] = [place(from), place(to)];
    const angle = Math.atan2(b.y - a.y, b.x - a.x);
    const tip = { x: b.x - Math.cos(angle) * radius(to), y: b.y - Math.sin(angle) * radius(to) };
    context.beginPath();
    context.moveTo(a.x + Math.cos(angle) * radius(from), a.y + Math.sin(angle) * radius(from));
    context.lineTo(tip.x, tip.y);
    context.stroke();
    context.beginPath();
    context.moveTo(tip.x, tip.y);
    for (const side of [0.4, -0.4]) context.lineTo(tip.x - 7 * Math.cos(angle + side), tip.y - 7 * Math.sin(angle + side));
    context.fill();
  }
  context.globalAlpha = 1;
}

const widths = new Map();

function widthOf(context, text) {
  const key = `${context.font} ${text}`;
  if (widths.size > 5_000) widths.clear();
  if (!widths.has(key)) widths.set(key, context.measureText(text).width);
  return widths.get(key);
}

function paintLabels(context, { category, role, agent }, size, colors) {
  const bySize = (a, b) => b.r - a.r;
  const candidates = [
    ...category.sort(bySize).map((label) => groupLabel(context, label, "category", size)),
    ...role.sort(bySize).map((label) => groupLabel(context, label, "role", size)),
    ...agent.sort(bySize).slice(0, NAMES).map((label) => agentLabel(context, label)),
  ];
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  for (const { kind, lines, x, y, height, look } of withoutOverlap(candidates)) {
    const isOnTone = look?.fill === 1;
    context.font = FONTS[kind].font;
    context.strokeStyle = colors.surface;
    context.fillStyle = isOnTone ? colors.surface : kind === "role" ? colors.muted : colors.text;
    lines.forEach((line, index) => {
      const at = y - height / 2 + FONTS[kind].height * (index + 0.5);
      if (!isOnTone) context.strokeText(line, x, at);
      context.fillText(line, x, at);
    });
  }
}

// At the top of its circle, or as near to it as is seen.
function groupLabel(context, { x, y, r, text, more = "" }, kind, size) {
  const { font, height, letter } = FONTS[kind];
  context.font = font;
  const room = Math.min(40, Math.max(8, Math.floor((2 * r) / letter)));
  const name = clipped(visible(text), room);
  const line = name.length + more.length <= room ? name + more : name;
  const width = widthOf(context, line);
  const near = (value, low, high, reach) =>
    Math.min(Math.max(value, Math.min(low, value + reach)), Math.max(high, value - reach));
  return {
    kind, width, height, lines: [line],
    x: near(x, width / 2 + 4, size.width - width / 2 - 4, r * 0.6),
    y: near(y - r + height / 2, height, size.height - height, 2 * r - height),
  };
}

// In lines within its disc.
function agentLabel(context, { x, y, r, look, text }) {
  const { font, height, letter } = FONTS.agent;
  context.font = font;
  const count = Math.max(2, Math.min(4, Math.floor((1.3 * r) / height)));
  const lines = wrapped(visible(text.slice(0, LONGEST)), Math.floor((1.75 * r) / letter), count);
  const width = Math.max(...lines.map((line) => widthOf(context, line)));
  return { kind: "agent", lines, x, y, width, height: lines.length * height, look };
}
