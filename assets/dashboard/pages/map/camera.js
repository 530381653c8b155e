// What part of the map is seen: `{x, y, k}`, the place in the middle of the window and the pixels a unit. Pure functions.

const MARGIN_PX = 12;
const CLOSEST_PX = 40; // the radius of the smallest agent

// All of a box in a window.
export function fitting({ left, top, right, bottom }, { width, height }) {
  const k = Math.min((width - 2 * MARGIN_PX) / (right - left), (height - 2 * MARGIN_PX) / (bottom - top));
  return { x: (left + right) / 2, y: (top + bottom) / 2, k: Math.max(k, 1e-3) };
}

export const boxAround = ({ x, y, r }) => ({ left: x - r, top: y - r, right: x + r, bottom: y + r });

// Nearer or farther by a factor; what is seen at `point` stays there.
export function zoomed(camera, size, point, factor, box) {
  const least = fitting(box, size).k * 0.7;
  const k = Math.min(Math.max(camera.k * factor, least), Math.max(CLOSEST_PX, least));
  const { x, y } = toMap(camera, size, point);
  return held({ x: x - (point.x - size.width / 2) / k, y: y - (point.y - size.height / 2) / k, k }, box);
}

export const moved = (camera, dx, dy, box) => held({ ...camera, x: camera.x - dx / camera.k, y: camera.y - dy / camera.k }, box);

export const toMap = ({ x, y, k }, { width, height }, point) =>
  ({ x: x + (point.x - width / 2) / k, y: y + (point.y - height / 2) / k });
export const toWindow = ({ x, y, k }, { width, height }, place) =>
  ({ x: (place.x - x) * k + width / 2, y: (place.y - y) * k + height / 2 });

// Between two cameras, `share` of the way.
export function between(from, to, share) {
  const eased = share * (2 - share);
  const mix = (a, b) => a + (b - a) * eased;
  return { x: mix(from.x, to.x), y: mix(from.y, to.y), k: Math.exp(mix(Math.log(from.k), Math.log(to.k))) };
}

// The middle of the window never leaves the map: nobody gets lost.
function held({ x, y, k }, { left, top, right, bottom }) {
  return { x: Math.min(Math.max(x, left), right), y: Math.min(Math.max(y, top), bottom), k };
}
