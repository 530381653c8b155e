// Which labels are shown: those that come first take their place, those that would overlap one are left out. The window
// is divided into cells that know the labels within them, so that each is compared with its neighbours alone.

const CELL_PX = 64;
const APART_PX = 2;

// `labels` are `{x, y, width, height}` around their middles, the most important first.
export function withoutOverlap(labels) {
  const cells = new Map();
  return labels.filter((label) => {
    const box = [label.x - label.width / 2, label.y - label.height / 2, label.x + label.width / 2, label.y + label.height / 2];
    const touched = cellsOf(box);
    if (touched.some((cell) => cells.get(cell)?.some((other) => doOverlap(box, other)))) return false;
    for (const cell of touched) {
      if (cells.has(cell)) cells.get(cell).push(box);
      else cells.set(cell, [box]);
    }
    return true;
  });
}

function cellsOf([left, top, right, bottom]) {
  const cells = [];
  for (let row = Math.floor(top / CELL_PX); row <= bottom / CELL_PX; row += 1) {
    for (let column = Math.floor(left / CELL_PX); column <= right / CELL_PX; column += 1) cells.push(`${row} ${column}`);
  }
  return cells;
}

const doOverlap = (a, b) =>
  a[0] < b[2] + APART_PX && b[0] < a[2] + APART_PX && a[1] < b[3] + APART_PX && b[1] < a[3] + APART_PX;

// A text in lines of at most `length` characters, `count` lines at most; what is cut off ends in an ellipsis.
export function wrapped(text, length, count) {
  const lines = [];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= length) lines[lines.length - 1] = `${line} ${word}`;
    else if (lines.length < count) lines.push(word);
    else {
      lines[count - 1] = `${lines[count - 1]}…`;
      break;
    }
  }
  return lines.map((line) => clipped(line, length));
}

export function clipped(text, length) {
  const characters = [...text.slice(0, 2 * length + 2)];
  return characters.length <= length ? text : `${characters.slice(0, Math.max(1, length - 1)).join("")}…`;
}
