// An agent on the map: a disc whose look says its state by shape as well as by colour. Small discs are painted once for
// each look and size, and copied from then on: ten thousand copies a frame are cheap, as many paths are not.

import { LOOKS } from "./measure.js";

const COPIED_PX = 24; // larger discs are few
const MARKED_PX = 5; // below, a mark within would be a speck

const TONES = {
  active: "ok", idle: "idle", offline: "idle", paused: "warn", blocked: "bad",
  normal: "ok", warning: "warn", critical: "bad", exceeded: "bad",
};

export class Discs {
  #colors;
  #ratio;
  #copies = new Map();

  // `colors` by their names; `ratio` is device pixels a pixel.
  constructor(colors, ratio) {
    this.#colors = colors;
    this.#ratio = ratio;
  }

  paint(context, look, x, y, r) {
    if (r > COPIED_PX) {
      paintDisc(context, LOOKS[look], x, y, r, this.#colors);
      return;
    }
    const halves = Math.max(1, Math.round(r * 2));
    const key = look * 64 + halves;
    let copy = this.#copies.get(key);
    if (copy === undefined) this.#copies.set(key, copy = this.#copyOf(LOOKS[look], halves / 2));
    const { ratio, half } = copy;
    const sharp = (edge) => Math.round(edge * ratio) / ratio;
    context.drawImage(copy.canvas, sharp(x - half), sharp(y - half), 2 * half, 2 * half);
  }

  #copyOf(look, r) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil((2 * r + 2) * this.#ratio);
    const half = canvas.width / this.#ratio / 2;
    const context = canvas.getContext("2d");
    context.scale(this.#ratio, this.#ratio);
    paintDisc(context, look, half, half, r, this.#colors);
    return { canvas, half, ratio: this.#ratio };
  }
}

export function paintDisc(context, { kind, fill }, x, y, r, colors) {
  const tone = colors[TONES[kind]];
  const line = Math.min(2, Math.max(0.8, r / 6));
  const rim = Math.max(0.4, r - line / 2);
  context.beginPath();
  context.arc(x, y, rim, 0, 2 * Math.PI);
  context.fillStyle = colors.surface;
  context.fill();
  context.strokeStyle = tone;
  context.lineWidth = line;
  context.setLineDash(kind === "offline" && r >= 3 ? [r / 3, r / 3] : []);
  context.stroke();
  context.setLineDash([]);
  if (fill > 0) {
    // From the bottom up, as a vessel is filled.
    const angle = Math.acos(2 * fill - 1);
    context.beginPath();
    context.arc(x, y, rim, angle - Math.PI / 2, 1.5 * Math.PI - angle);
    context.fillStyle = tone;
    context.fill();
  }
  if (r >= MARKED_PX) paintMark(context, kind, x, y, Math.min(r * 0.5, 14), colors.surface);
}

// The shapes that the states have everywhere: a triangle to take care, a diamond for what is wrong.
function paintMark(context, kind, x, y, size, color) {
  context.fillStyle = color;
  context.beginPath();
  if (kind === "paused") {
    context.moveTo(x, y - size);
    context.lineTo(x + size, y + size * 0.75);
    context.lineTo(x - size, y + size * 0.75);
  } else if (kind === "blocked" || kind === "exceeded") {
    context.moveTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.lineTo(x - size, y);
  }
  context.fill();
}
