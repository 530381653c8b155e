// What opens below its button and closes by Escape or a click elsewhere.

import { html, useLayoutEffect, useRef } from "../core/view.js";

// `children` may be a function, which is given how to close the menu.
export function Menu({ label, children }) {
  const menu = useRef(null);
  const close = () => {
    if (menu.current.contains(document.activeElement)) menu.current.querySelector("summary").focus();
    menu.current.open = false;
  };
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || !menu.current.open) return;
    close();
    event.stopPropagation();
  };
  useLayoutEffect(() => {
    const onPointerDown = ({ target }) => {
      if (!menu.current.contains(target)) menu.current.open = false;
    };
    document.addEventListener("pointerdown", onPointerDown);
    return () => document.removeEventListener("pointerdown", onPointerDown);
  }, []);
  return html`
    <details class="menu" ref=${menu} onKeyDown=${onKeyDown}>
      <summary class="button">${label}</summary>
      <div class="menu-body stack">${typeof children === "function" ? children(close) : children}</div>
    </details>`;
}
