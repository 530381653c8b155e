// Circles side by side around the origin: W. Wang, H. Wang, G. Dai, H. Wang, "Visualization of large hierarchical data by
// circle packing", 2006. The outline of what is placed is the front chain; the next circle touches two neighbours on it,
// those nearest to the middle, and cuts off the part of the chain that it would overlap.

const NEAR = 1e-6; // circles that touch do not overlap

// Gives each of the circles `{r}` its `x` and `y`, in their order from the inside out, and returns those on the outline.
// `aspect` is how many times wider than high the whole should become.
export function pack(circles, aspect = 1) {
  const [a, b, c] = circles;
  if (a) Object.assign(a, { x: b ? -a.r : 0, y: 0 });
  if (b) Object.assign(b, { x: b.r, y: 0 });
  if (!c) return circles;
  touch(a, b, c);

  // Counterclockwise: the outside is on the right hand.
  const next = new Int32Array(circles.length);
  const previous = new Int32Array(circles.length);
  const depth = new Float64Array(circles.length); // how far from the middle a circle meets the next, squared
  const link = (from, to) => {
    next[from] = to;
    previous[to] = from;
    depth[from] = depthOf(circles[from], circles[to], aspect);
  };
  link(0, 2);
  link(2, 1);
  link(1, 0);
  let last = 2; // on the chain
  for (let index = 3; index < circles.length; index += 1) {
    let from = innermost(depth, next, last);
    let to = next[from];
    for (;;) {
      touch(circles[from], circles[to], circles[index]);
      const met = firstMet(circles, next, previous, from, to, circles[index]);
      if (met === null) break;
      if (met.isAhead) to = met.index;
      else from = met.index;
      link(from, to);
    }
    link(from, index);
    link(index, to);
    last = index;
  }
  const outline = [];
  for (let index = last; outline.length === 0 || index !== last; index = next[index]) outline.push(circles[index]);
  return outline;
}

// Places `c` so that it touches `a` and `b`, at the right hand of the way from a to b.
function touch(a, b, c) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const distance = Math.hypot(dx, dy);
  const toA = a.r + c.r;
  const along = (toA * toA + distance * distance - (b.r + c.r) ** 2) / (2 * distance);
  const across = Math.sqrt(Math.max(0, toA * toA - along * along));
  c.x = a.x + (dx * along + dy * across) / distance;
  c.y = a.y + (dy * along - dx * across) / distance;
}

function depthOf(a, b, aspect) {
  const x = (a.x * b.r + b.x * a.r) / (a.r + b.r) / aspect;
  const y = (a.y * b.r + b.y * a.r) / (a.r + b.r);
  return x * x + y * y;
}

// The link of the chain whose two circles meet nearest to the middle.
function innermost(depth, next, start) {
  let best = start;
  for (let index = next[start]; index !== start; index = next[index]) if (depth[index] < depth[best]) best = index;
  return best;
}

// The circle of the chain that `placed` overlaps, looked for from the gap between `from` and `to` in both directions, on
// the side first where less of the outline was seen: what is cut off then is the shorter part.
function firstMet(circles, next, previous, from, to, placed) {
  let [ahead, behind] = [next[to], previous[from]];
  if (ahead === from) return null;
  let [wayAhead, wayBehind] = [circles[to].r, circles[from].r];
  for (;;) {
    const isAhead = wayAhead <= wayBehind;
    const index = isAhead ? ahead : behind;
    const { x, y, r } = circles[index];
    const reach = r + placed.r - NEAR;
    if ((x - placed.x) ** 2 + (y - placed.y) ** 2 < reach * reach) return { index, isAhead };
    if (ahead === behind) return null;
    if (isAhead) {
      wayAhead += 2 * r;
      ahead = next[ahead];
    } else {
      wayBehind += 2 * r;
      behind = previous[behind];
    }
  }
}
