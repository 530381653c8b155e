// The smallest circle around circles: E. Welzl, "Smallest enclosing disks (balls and ellipsoids)", 1991, in the form that
// holds for circles of unequal size: J. Matoušek, M. Sharir, E. Welzl, "A subexponential bound for linear programming",
// 1996. At most three circles, the basis, touch it; one that sticks out joins the basis, and the search begins anew.

const NEAR = 1e-9; // relative: what sticks out by less is rounding

export function enclose(circles) {
  // The outermost first: they are most likely in the basis.
  const order = [...circles].sort((a, b) => Math.hypot(b.x, b.y) + b.r - Math.hypot(a.x, a.y) - a.r);
  let around = null;
  let basis = [];
  for (let index = 0; index < order.length;) {
    if (around !== null && holds(around, order[index])) {
      index += 1;
      continue;
    }
    const next = extended(basis, order[index]);
    if (around !== null && next.around.r <= around.r) break; // rounding alone is left
    ({ around, basis } = next);
    index = 0;
  }
  if (around === null) return { x: 0, y: 0, r: 0 };
  return { ...around, r: circles.reduce((r, { x, y, r: own }) => Math.max(r, Math.hypot(x - around.x, y - around.y) + own), 0) };
}

const holds = (outer, { x, y, r }) => Math.hypot(x - outer.x, y - outer.y) + r <= outer.r * (1 + NEAR);

// The smallest circle around a basis and one more that lies not within it; the one more touches it.
function extended(basis, added) {
  const all = [...basis, added];
  const tried = [[added], ...basis.map((each) => [added, each])];
  for (let i = 0; i < basis.length; i += 1) {
    for (let j = i + 1; j < basis.length; j += 1) tried.push([added, basis[i], basis[j]]);
  }
  let best = { around: { ...added, r: Infinity }, basis: all };
  for (const few of tried) {
    const around = [() => few[0], around2, around3][few.length - 1](...few);
    if (around && around.r < best.around.r && all.every((each) => holds(around, each))) best = { around, basis: few };
  }
  return best;
}

function around2(a, b) {
  const distance = Math.hypot(b.x - a.x, b.y - a.y);
  const r = (a.r + b.r + distance) / 2;
  const share = distance === 0 ? 0 : (r - a.r) / distance;
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share, r };
}

// The circle that three touch from within (the problem of Apollonius). Its centre is linear in `s`, what its radius
// exceeds the first one's by; `s` follows from the distance of the centres.
function around3(a, b, c) {
  const [bx, by, br] = [b.x - a.x, b.y - a.y, b.r - a.r];
  const [cx, cy, cr] = [c.x - a.x, c.y - a.y, c.r - a.r];
  const area = bx * cy - cx * by;
  if (Math.abs(area) < 1e-12) return null; // on one line two of them suffice
  const [bc, cc] = [(bx * bx + by * by - br * br) / 2, (cx * cx + cy * cy - cr * cr) / 2];
  const [x0, x1] = [(bc * cy - cc * by) / area, (br * cy - cr * by) / area];
  const [y0, y1] = [(bx * cc - cx * bc) / area, (bx * cr - cx * br) / area];
  const s = roots(x1 * x1 + y1 * y1 - 1, x0 * x1 + y0 * y1, x0 * x0 + y0 * y0).find((root) => root >= Math.max(0, br, cr));
  return s === undefined ? null : { x: a.x + x0 + x1 * s, y: a.y + y0 + y1 * s, r: a.r + s };
}

// The real solutions of p s² + 2 h s + q = 0, the smaller first.
function roots(p, h, q) {
  if (Math.abs(p) < 1e-12) return h === 0 ? [] : [-q / (2 * h)];
  const square = h * h - p * q;
  if (square < 0) return [];
  const far = -h - Math.sign(h || 1) * Math.sqrt(square);
  return [far / p, far === 0 ? 0 : q / far].sort((one, other) => one - other);
}
