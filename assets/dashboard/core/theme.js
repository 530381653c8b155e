// Light, dark, or as the system has it; and the colours for what is drawn on a canvas.

import { computed, signal } from "./view.js";
import { write } from "./storage.js";

const KEY = "agentmap.theme"; // read again by /dashboard/theme.js, before the first paint
const THEMES = ["system", "light", "dark"];

const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", ({ matches }) => { systemIsDark.value = matches; });

// What the reader chose.
export const choice = signal(document.documentElement.dataset.theme ?? "system");

// What is shown.
export const theme = computed(() =>
  choice.value === "system" ? (systemIsDark.value ? "dark" : "light") : choice.value);

function choose(next) {
  choice.value = next;
  if (next === "system") {
    delete document.documentElement.dataset.theme;
    write(KEY);
  } else {
    document.documentElement.dataset.theme = next;
    write(KEY, next);
  }
}

export const chooseNext = () => choose(THEMES[(THEMES.indexOf(choice.value) + 1) % THEMES.length]);

// Whether the reader asked for less motion.
export const isStill = matchMedia("(prefers-reduced-motion: reduce)");

const known = new Map();

// The present value of a colour token such as `--accent`, as a canvas takes it. Reading it subscribes to the theme.
export function color(token) {
  const key = `${theme.value} ${token}`;
  if (!known.has(key)) {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    known.set(key, getComputedStyle(probe).color);
    probe.remove();
  }
  return known.get(key);
}
