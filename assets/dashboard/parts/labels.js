// Places labels beside what they name, in its order, so that none covers another.

// `wanted` are the places (px) where labels would best be, `gap` is what each needs, `low` and `high` are the bounds.
export function spread(wanted, gap, low, high) {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const placed = [...wanted];
  let next = low;
  for (const index of order) {
    placed[index] = Math.max(placed[index], next);
    next = placed[index] + gap;
  }
  let last = high;
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index], last);
    last = placed[index] - gap;
  }
  return placed;
}
