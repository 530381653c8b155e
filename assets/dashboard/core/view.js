// The view library in one place: Preact with htm's templates and signals, all vendored.
// Text that is put into a template becomes a text node: nothing of what agents sent is ever read as markup.

import { Component, h } from "/assets/vendor/preact/preact.module.js";
import htm from "/assets/vendor/htm/htm.module.js";

// `useEffect` acts some time after the page was drawn, and ends some time after its component went away: keys that are
// pressed meanwhile find neither. What moves the focus or listens to the reader is therefore a `useLayoutEffect`.
export { render } from "/assets/vendor/preact/preact.module.js";
export { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "/assets/vendor/preact/hooks.module.js";
export { computed, effect, signal, useSignalEffect } from "/assets/vendor/preact-signals/signals.module.js";

// htm keeps elements that hold no values, to give them out again, and with them the tree of their first use; 3 tells it not
// to (https://github.com/developit/htm#caching).
export const html = htm.bind(function create(...element) {
  this[0] = 3;
  return h(...element);
});

// A component that is drawn again only when one of its properties is another one. A kept element would serve as well,
// but it holds on to the tree that it was made in, and that tree to the one before.
export function memo(draw) {
  return class extends Component {
    shouldComponentUpdate(next, state) {
      return state !== this.state || isDifferent(this.props, next);
    }

    render(properties) {
      return draw(properties);
    }
  };
}

function isDifferent(one, other) {
  const names = Object.keys(other);
  return names.length !== Object.keys(one).length || names.some((name) => one[name] !== other[name]);
}
