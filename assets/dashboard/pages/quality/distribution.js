// How many agents have each grade; a grade filters the table of agents.

import { html } from "../../core/view.js";
import { exact, percent } from "../../core/format.js";
import { hrefWith, parameter } from "../../core/route.js";
import { Bars } from "../../parts/bars.js";
import { Panel } from "../../parts/panel.js";

const COLORS = { A: "var(--ok)", B: "var(--ok)", C: "var(--warn)", D: "var(--warn)", F: "var(--bad)" };
const SCORES = { A: "90 and more", B: "80 to 90", C: "70 to 80", D: "60 to 70", F: "under 60" };

export function Distribution({ window, report }) {
  const chosen = parameter("grade");
  return html`
    <${Panel} title="Grades" note=${window} query=${report} height=${170}>${({ distribution }) => html`
      <${Bars} label="Agents by grade" items=${distribution.map(({ grade, count, percentage }) => ({
        key: grade, label: `${grade} · ${SCORES[grade]}`, value: count, color: COLORS[grade],
        text: `${exact(count)} ${count === 1 ? "agent" : "agents"} · ${percent(percentage / 100)}`,
        isChosen: grade === chosen, href: hrefWith({ grade: grade === chosen ? null : grade }),
      }))} />`}</${Panel}>`;
}
