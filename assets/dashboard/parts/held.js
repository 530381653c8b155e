// A list that holds still while it is read.

import { useState } from "../core/view.js";

const UNREAD = { isScrolled: false, isFocused: false, isHovered: false };

// `{isHeld, watch}`: whether the list in the element that gets `watch` as its properties is scrolled, focused or hovered.
export function useHeld() {
  const [reading, setReading] = useState(UNREAD);
  const set = (name, isSo) => setReading((before) => (before[name] === isSo ? before : { ...before, [name]: isSo }));
  return {
    isHeld: Object.values(reading).some(Boolean),
    watch: {
      onScrollCapture: ({ target }) => set("isScrolled", target.scrollTop > 0),
      onFocusIn: () => set("isFocused", true),
      onFocusOut: () => set("isFocused", false),
      onMouseEnter: () => set("isHovered", true),
      onMouseLeave: () => set("isHovered", false),
    },
  };
}
