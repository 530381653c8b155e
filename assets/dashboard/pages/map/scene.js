// The map as it is seen: the camera over it, what is pointed at, and when what is painted. The agents are painted on one
// canvas when they or the camera changed; pulses and what is pointed at on another above it. Nothing is painted while
// nothing changes.

import { signal } from "../../core/view.js";
import { isStill } from "../../core/theme.js";
import { between, boxAround, fitting, moved, toMap, toWindow, zoomed } from "./camera.js";
import { Discs } from "./discs.js";
import { paintMap } from "./paint.js";
import { Pulses } from "./pulses.js";

const FLIGHT_MS = 280;
const SHARPEST = 2; // device pixels a pixel; more cost time and are not seen
const CLOSE_PX = 14; // how large an agent that one walks to is at least
const FINGER_PX = 14;

export class Scene {
  #below;
  #above;
  #size = { width: 0, height: 0 };
  #ratio = 1;
  #colors;
  #discs;
  #model = null;
  #indexes = new Map(); // by the agent's id
  #camera = null;
  #isFitted = true; // the whole map is shown, also in a window that changes
  #flight = null;
  #pulses = new Pulses();
  #isOld = false;
  #frame = null;
  #timer = null;

  // What is pointed at: `{id, x, y, r, isTouch}` in pixels from the canvas' corner, or null.
  pointed = signal(null);

  constructor(below, above) {
    this.#below = below;
    this.#above = above;
  }

  end() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  setColors(colors) {
    this.#colors = colors;
    this.#discs = new Discs(colors, this.#ratio);
    this.#plan(true);
  }

  setSize(size) {
    this.#size = size;
    this.#ratio = Math.min(SHARPEST, devicePixelRatio);
    for (const canvas of [this.#below, this.#above]) {
      canvas.width = Math.round(size.width * this.#ratio);
      canvas.height = Math.round(size.height * this.#ratio);
    }
    if (this.#colors) this.#discs = new Discs(this.#colors, this.#ratio);
    if (this.#isFitted && this.#model) this.#camera = fitting(this.#model.layout.box, size);
    this.#plan(true);
  }

  get hasModel() {
    return this.#model !== null;
  }

  // `model` as paintMap() takes it.
  setModel(model) {
    const isSame = this.#model !== null && looksSame(this.#model, model);
    const isOther = model.layout !== this.#model?.layout;
    this.#model = model;
    if (isOther) {
      this.#indexes = new Map(model.agents.map(({ agent_id }, index) => [agent_id, index]));
      this.#flight = null;
      if (this.#isFitted || this.#camera === null) this.#camera = fitting(model.layout.box, this.#size);
      if (this.pointed.peek() && !this.#indexes.has(this.pointed.peek().id)) this.pointed.value = null;
    }
    if (!isSame) this.#plan(true);
  }

  // Events of one frame, `[agent_id, type]` each.
  pulse(events) {
    this.#pulses.add(events, performance.now());
    this.#plan(false);
  }

  move(dx, dy) {
    this.#look(moved(this.#camera, dx, dy, this.#model.layout.box));
  }

  zoom(factor, point = { x: this.#size.width / 2, y: this.#size.height / 2 }) {
    this.#look(zoomed(this.#camera, this.#size, point, factor, this.#model.layout.box));
  }

  fit() {
    this.#fly(fitting(this.#model.layout.box, this.#size));
    this.#isFitted = true;
  }

  flyTo(circle) {
    this.#fly(fitting(boxAround(circle), this.#size));
  }

  // What lies at a point: `{id, category}`, each null where there is none.
  at(point, isTouch = false) {
    const { layout, agents } = this.#model;
    const spot = toMap(this.#camera, this.#size, point);
    const away = ({ x, y }) => Math.hypot(x - spot.x, y - spot.y);
    const category = layout.categories.find((each) => away(each) <= each.r) ?? null;
    let [best, least] = [null, isTouch ? FINGER_PX / this.#camera.k : 0];
    for (const index of category?.agents ?? []) {
      const beyond = away({ x: layout.x[index], y: layout.y[index] }) - layout.slots[index];
      if (beyond <= least) [best, least] = [index, beyond];
    }
    return { id: best === null ? null : agents[best].agent_id, category };
  }

  point(id, isTouch = false) {
    const before = this.pointed.peek();
    if ((before?.id ?? null) === id) return;
    this.pointed.value = id === null ? null : { id, isTouch, ...this.#placeOf(id) };
    this.#plan(false);
  }

  // Points at the next (1) or previous (-1) agent that is shown, in the order of the map, and returns its id, or null.
  walk(step) {
    const { layout: { order }, isShown, agents } = this.#model;
    const walked = isShown ? order.filter((index) => isShown[index] === 1) : order;
    if (walked.length === 0) return null;
    const now = walked.indexOf(this.#indexes.get(this.pointed.peek()?.id));
    const first = step > 0 ? 0 : walked.length - 1;
    const { agent_id: id } = agents[walked[now < 0 ? first : (now + step + walked.length) % walked.length]];
    this.#bringIntoView(id);
    this.point(id);
    return id;
  }

  #bringIntoView(id) {
    const { layout } = this.#model;
    const index = this.#indexes.get(id);
    const k = Math.max(this.#camera.k, CLOSE_PX / layout.slots[index]);
    const { x, y, r } = this.#placeOf(id);
    const { width, height } = this.#size;
    const isInside = x > r && y > r && x < width - r && y < height - r;
    if (!isInside || k > this.#camera.k) this.#fly({ x: layout.x[index], y: layout.y[index], k });
  }

  #placeOf(id) {
    const index = this.#indexes.get(id);
    if (index === undefined) return null;
    const { layout, radii } = this.#model;
    const place = toWindow(this.#camera, this.#size, { x: layout.x[index], y: layout.y[index] });
    return { ...place, r: Math.min(radii[index], layout.slots[index]) * this.#camera.k };
  }

  #look(camera) {
    this.#camera = camera;
    this.#flight = null;
    this.#isFitted = false;
    this.#plan(true);
  }

  #fly(to) {
    this.#isFitted = false;
    if (isStill.matches) this.#camera = to;
    else this.#flight = { from: this.#camera, to, begun: performance.now() };
    this.#plan(true);
  }

  #plan(isOld) {
    this.#isOld ||= isOld;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      if (this.#model && this.#colors && this.#size.width > 0) this.#paint(performance.now());
    });
  }

  #paint(now) {
    clearTimeout(this.#timer);
    if (this.#flight) {
      const { from, to, begun } = this.#flight;
      const share = Math.min(1, (now - begun) / FLIGHT_MS);
      this.#camera = between(from, to, share);
      this.#isOld = true;
      if (share === 1) this.#flight = null;
    }
    const [model, camera, size, colors] = [this.#model, this.#camera, this.#size, this.#colors];
    if (this.#isOld) {
      this.#isOld = false;
      paintMap(this.#contextOf(this.#below), { model, camera, size, colors, discs: this.#discs });
      const shown = this.pointed.peek();
      if (shown) this.pointed.value = { ...shown, ...this.#placeOf(shown.id) };
    }
    const above = this.#contextOf(this.#above);
    above.clearRect(0, 0, size.width, size.height);
    const wait = this.#pulses.paint(above, now, (id) => this.#placeOf(id), colors);
    this.#paintPointed(above);
    if (this.#flight || wait === 0) this.#plan(false);
    else if (wait !== null) this.#timer = setTimeout(() => this.#plan(false), wait);
  }

  #paintPointed(context) {
    const place = this.pointed.peek();
    if (place === null) return;
    context.beginPath();
    context.arc(place.x, place.y, place.r + 2.5, 0, 2 * Math.PI);
    context.strokeStyle = this.#colors.text;
    context.lineWidth = 2;
    context.stroke();
  }

  #contextOf(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    return context;
  }
}

// Most of what the fleet tells is not seen on the map.
function looksSame(a, b) {
  const isEqual = (one, other) => one === other ||
    (one !== null && other !== null && one.every((value, index) => value === other[index]));
  return a.layout === b.layout && isEqual(a.looks, b.looks) && isEqual(a.radii, b.radii) && isEqual(a.isShown, b.isShown) &&
    String(a.lines) === String(b.lines);
}
