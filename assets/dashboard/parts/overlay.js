// What lies over the page for a moment: the palette and the help. The focus stays in it and returns afterwards.

import { html, useLayoutEffect, useRef } from "../core/view.js";
import { OVERLAY, useShortcuts } from "../core/keys.js";

export function Overlay({ label, class: kind, onClose, children }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    (box.current.querySelector("[autofocus], input, button") ?? box.current).focus();
    return () => opener?.isConnected && opener.focus();
  }, []);
  useShortcuts(OVERLAY, [{ keys: "Escape", label: "Close", run: onClose }]);
  const keepFocus = (event) => {
    if (event.key !== "Tab") return;
    const stops = [...box.current.querySelectorAll("a[href], button, input, [tabindex='0']")];
    const [first, last] = [stops[0], stops.at(-1)];
    if (event.shiftKey && document.activeElement === first) last.focus();
    else if (!event.shiftKey && document.activeElement === last) first.focus();
    else return;
    event.preventDefault();
  };
  return html`
    <div class="overlay" onMouseDown=${({ target, currentTarget }) => target === currentTarget && onClose()}>
      <div class=${kind} ref=${box} role="dialog" aria-modal="true" aria-label=${label} tabindex="-1" onKeyDown=${keepFocus}>
        ${children}
      </div>
    </div>`;
}
