// A list of any length, of rows of one height: only those in view are in the page. The focus stays on the list itself
// while the keyboard moves a current row, so that scrolling never loses it (WAI-ARIA Authoring Practices, listbox). What
// is within an option is only its text for a screen reader: Enter presses the button of a row that has one.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../core/view.js";

const SPARE_ROWS = 6; // above and below, so that a fast scroll shows no blank

// `row(index)` is what a row shows, `rowKey(index)` what it is, `backdrop(first, last)` what lies behind the rows in
// view. `above` counts the rows that were ever added at the top: those in view stay where they are. `start` is the row
// that is shown first, `current` the current one, `selected` the one whose details are open. `onTop` and `onEnd` are
// called when the reader comes near either end; `keys` are further keys; `list` gets the means to show a row.
export function VirtualList({
  id, label, count, rowPx, row, rowKey, backdrop, above = 0, current, selected = -1, start = 0, keys = {}, list,
  onCurrent, onOpen, onScrolled, onTop, onEnd,
}) {
  const box = useRef(null);
  const [height, setHeight] = useState(600);
  const [top, setTop] = useState(0);
  const added = useRef(above);
  const take = () => {
    const next = Math.floor(box.current.scrollTop / rowPx);
    if (next !== top) setTop(next);
    onScrolled?.(box.current.scrollTop);
  };
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setHeight(contentRect.height));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    box.current.scrollTop = Math.max(0, start * rowPx - box.current.clientHeight / 2);
    take();
  }, [start]);
  useLayoutEffect(() => {
    const rows = above - added.current;
    added.current = above;
    if (rows === 0) return;
    box.current.scrollTop += rows * rowPx;
    take();
  }, [above]);
  const show = (index) => {
    const [least, most] = [(index + 1) * rowPx - box.current.clientHeight, index * rowPx];
    if (box.current.scrollTop > most) box.current.scrollTop = most;
    else if (box.current.scrollTop < least) box.current.scrollTop = least;
  };
  if (list) list.current = { show };

  const seen = Math.ceil(height / rowPx) + 1;
  const first = Math.max(0, Math.min(top, count - seen) - SPARE_ROWS);
  const last = Math.min(count, first + seen + 2 * SPARE_ROWS);
  useEffect(() => { if (first === 0) onTop?.(); }, [first === 0, count]);
  useEffect(() => { if (last === count) onEnd?.(); }, [last === count, count]);

  const move = (to) => {
    const next = Math.max(0, Math.min(count - 1, to));
    show(next);
    onCurrent(next);
  };
  const enter = () => {
    const button = document.getElementById(`${id}-${current}`)?.querySelector("button");
    if (button) button.click();
    else onOpen(current);
  };
  const acts = {
    j: () => move(current + 1), ArrowDown: () => move(current + 1), k: () => move(current - 1), ArrowUp: () => move(current - 1),
    PageDown: () => move(current + seen - 2), PageUp: () => move(current - seen + 2),
    Home: () => move(0), End: () => move(count - 1), Enter: enter, ...keys,
  };
  const onKeyDown = (event) => {
    const act = acts[event.key];
    if (!act || event.target !== box.current || event.ctrlKey || event.metaKey || event.altKey || count === 0) return;
    event.preventDefault();
    act();
  };
  const onClick = (event) => {
    if (event.target.closest("button")) {
      box.current.focus({ preventScroll: true }); // the button may go away
      return;
    }
    if (String(getSelection()) !== "") return;
    const index = Number(event.target.closest("[role=option]")?.dataset.index ?? -1);
    if (index < 0) return;
    onCurrent(index);
    onOpen(index);
  };
  const isCurrentShown = current >= first && current < last;
  return html`
    <div class="virtual-list" id=${id} ref=${box} role="listbox" tabindex="0" aria-label=${label}
      aria-activedescendant=${isCurrentShown ? `${id}-${current}` : undefined}
      onScroll=${take} onKeyDown=${onKeyDown} onClick=${onClick}>
      <div role="presentation" style=${{ height: `${count * rowPx}px`, position: "relative" }}>
        ${backdrop?.(first, last)}
        ${Array.from({ length: last - first }, (_, place) => first + place).map((index) => html`
          <div class="virtual-row ${index === current ? "current" : ""}" key=${rowKey(index)} id="${id}-${index}" role="option"
            aria-selected=${index === selected} aria-posinset=${index + 1} aria-setsize=${count} data-index=${index}
            style=${{ height: `${rowPx}px`, transform: `translateY(${index * rowPx}px)` }}>${row(index)}</div>`)}
      </div>
    </div>`;
}
