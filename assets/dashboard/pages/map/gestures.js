// What fingers, mouse and wheel ask of the map.

const STILL_PX = 5; // a press that moves less is a click
const WHEEL = 0.0016;
const PINCH_WHEEL = 0.01; // how a touchpad tells of a pinch: a wheel with Ctrl

// Calls `onMove(dx, dy)`, `onZoom(point, factor)`, `onPoint(point | null)`, `onClick(point, event)`; points are
// in pixels from the element's corner. Returns how to end it.
export function follow(element, { onMove, onZoom, onPoint, onClick }) {
  const pressed = new Map(); // by pointer: where it is
  let wandered = 0;
  const pointOf = ({ clientX, clientY }) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const spread = () => {
    const [a, b] = [...pressed.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  };
  const handlers = {
    pointerdown(event) {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      if (pressed.size === 0) wandered = 0;
      else wandered = Infinity; // a second finger: no click
      if (pressed.size < 2) pressed.set(event.pointerId, pointOf(event));
    },
    pointermove(event) {
      const point = pointOf(event);
      const before = pressed.get(event.pointerId);
      if (before === undefined) {
        if (event.pointerType !== "touch") onPoint(point);
        return;
      }
      if (pressed.size === 2) {
        const from = spread();
        pressed.set(event.pointerId, point);
        const to = spread();
        onMove(to.x - from.x, to.y - from.y);
        onZoom(to, to.distance / from.distance);
        return;
      }
      wandered += Math.hypot(point.x - before.x, point.y - before.y);
      if (wandered <= STILL_PX) return;
      pressed.set(event.pointerId, point);
      onMove(point.x - before.x, point.y - before.y);
    },
    pointerup(event) {
      const isClick = pressed.has(event.pointerId) && wandered <= STILL_PX;
      pressed.delete(event.pointerId);
      if (isClick) onClick(pointOf(event), event);
    },
    pointercancel: ({ pointerId }) => pressed.delete(pointerId),
    pointerleave: ({ pointerType }) => { if (pointerType !== "touch") onPoint(null); },
    wheel(event) {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 32 : 1;
      onZoom(pointOf(event), Math.exp(-event.deltaY * lines * (event.ctrlKey ? PINCH_WHEEL : WHEEL)));
    },
  };
  for (const [name, handler] of Object.entries(handlers)) element.addEventListener(name, handler, { passive: false });
  return () => { for (const [name, handler] of Object.entries(handlers)) element.removeEventListener(name, handler); };
}
