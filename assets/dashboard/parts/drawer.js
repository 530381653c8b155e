// Details beside the list that they were opened from. Never a modal: the list stays in use.

import { html, useLayoutEffect, useRef } from "../core/view.js";
import { useShortcuts } from "../core/keys.js";
import { icon } from "./icon.js";

// `onStep(1 | -1)` goes to the next or previous of the list behind it. The focus returns to where it came from; where
// the address was opened directly, to that list.
export function Drawer({ title, onClose, onStep, actions, children }) {
  const panel = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const { current: drawer } = panel;
    drawer.focus();
    return () => {
      if (document.activeElement !== document.body && !drawer.contains(document.activeElement)) return;
      const isOpener = before.isConnected && before !== document.body;
      (isOpener ? before : document.querySelector("#page [role=grid]") ?? document.getElementById("page"))?.focus();
    };
  }, []);
  const step = (by) => ({ target }) => {
    if (target.closest?.(".drawer-body")) return false; // there the arrows scroll
    return onStep(by);
  };
  useShortcuts("Details", [
    { keys: "Escape", label: "Close the details", run: onClose },
    ...(onStep ? [
      { keys: "ArrowDown", label: "Next", run: step(1) },
      { keys: "ArrowUp", label: "Previous", run: step(-1) },
    ] : []),
  ]);
  return html`
    <aside class="drawer" ref=${panel} tabindex="-1" aria-label=${title}>
      <header>
        <h2 title=${title}>${title}</h2><span class="spring" />
        ${actions}
        ${onStep && html`
          <button class="button quiet icon" aria-label="Previous" title="Previous" onClick=${() => onStep(-1)}>${icon("up")}</button>
          <button class="button quiet icon" aria-label="Next" title="Next" onClick=${() => onStep(1)}>${icon("down")}</button>`}
        <button class="button quiet icon" aria-label="Close" title="Close" onClick=${onClose}>${icon("close")}</button>
      </header>
      <div class="drawer-body" role="group" aria-label="Details" tabindex="0">${children}</div>
    </aside>`;
}
