// Icons: 16 units wide, drawn as lines in the colour of the text beside them.

import { html } from "../core/view.js";

const SHAPES = {
  overview: "M2 9h4v5H2zM6 2h4v12H6zM10 6h4v8h-4z",
  agents: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14a5.5 5.5 0 0 1 11 0",
  activity: "M1.5 8h3l2-5 3 10 2-5h3",
  approvals: "M2.5 9.5h3l1 2h3l1-2h3v4h-11zM2.5 9.5l2-7h7l2 7M6 5.5l1.5 1.5 3-3",
  audit: "M4 1.5h6l3 3v10H4zM6.5 7h4M6.5 9.5h4M6.5 12h2",
  cost: "M8 1.5v13M11.5 4.5C10 3 5 3 5 5.5S11.5 8 11.5 10.5 6 13 4.5 11.5",
  quality: "M8 1.5l2 4.3 4.5.5-3.4 3.1 1 4.6L8 11.7 3.9 14l1-4.6L1.5 6.3 6 5.8z",
  map: "M5 5.5a3 3 0 1 0 .01 0zM11.5 3a2 2 0 1 0 .01 0zM11 9.5a2.5 2.5 0 1 0 .01 0zM4.5 12a1.5 1.5 0 1 0 .01 0z",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7L14 14",
  light: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  dark: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z",
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  help: "M6 6a2 2 0 1 1 2.8 1.8c-.6.3-.8.7-.8 1.4M8 11.6v.4M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14z",
  leave: "M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  download: "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11",
  table: "M2 3h12v10H2zM2 6.5h12M2 10h12M6.5 3v10",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
  pause: "M5 3v10M11 3v10",
  play: "M4.5 2.5l8 5.5-8 5.5z",
  edit: "M3 13l.6-2.8L11 2.8 13.2 5 5.8 12.4z",
};

// An icon beside a text that says the same, so that it is hidden from screen readers.
export const icon = (name) => html`
  <svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.4"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${SHAPES[name]} /></svg>`;
