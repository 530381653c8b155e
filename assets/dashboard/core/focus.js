// Where the focus goes when the control that has it goes away: a keyboard that falls to the top of the page has lost its
// place.

const LISTS = "ul, ol, [role=group], [role=feed]";
const PLACES = `${LISTS}, section, form, #page`;

// The `ref` of a control that may go away: the focus goes to the next control of its kind in its list, else to the
// list, or to what is around it and still there.
export function handsFocusOn(control) {
  return () => {
    if (!control.contains(document.activeElement)) return;
    const heirs = [...neighbours(control), ...placesAround(control)];
    queueMicrotask(() => { // the page is drawn by then, and what goes with the control is gone
      if (document.activeElement === document.body) focusOn(heirs.find((heir) => heir.isConnected && !heir.disabled));
    });
  };
}

// Puts the focus on something that need not be a control.
export function focusOn(element) {
  if (!element) return;
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) {
    element.tabIndex = -1;
    element.addEventListener("blur", () => element.removeAttribute("tabindex"), { once: true });
  }
  element.focus({ preventScroll: true });
}

// Those after it, then those before it.
function neighbours(control) {
  const list = control.closest(LISTS);
  if (list === null) return [];
  const all = [...list.querySelectorAll(control.localName)];
  const place = all.indexOf(control);
  return [...all.slice(place + 1), ...all.slice(0, place).reverse()];
}

function placesAround(control) {
  const places = [];
  for (let place = control.closest(PLACES); place; place = place.parentElement.closest(PLACES)) places.push(place);
  return places;
}
