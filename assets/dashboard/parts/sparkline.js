// A line the size of a word (Tufte, Beautiful Evidence, 2006). Zero is at the bottom; null is a gap.

import { html } from "../core/view.js";

// `values` oldest first; `label` says in words what is drawn, for those who do not see it.
export function Sparkline({ values, label, width = 120, height = 24, color = "var(--accent)" }) {
  const top = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const x = (index) => ((index + 0.5) * width) / values.length;
  const y = (value) => height - 1.5 - (value / top) * (height - 3);
  let line = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const isStart = index === 0 || values[index - 1] === null;
    line += `${isStart ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}${isStart ? "h0" : ""}`; // alone: a dot
  });
  return html`
    <svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
      <path d="M0 ${height - 0.5}H${width}" stroke="var(--line)" />
      <path d=${line} fill="none" stroke=${color} stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" />
    </svg>`;
}
