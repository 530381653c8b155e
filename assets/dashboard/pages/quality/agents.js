// The agents that were scored, as a table.

import { html } from "../../core/view.js";
import { exact, points } from "../../core/format.js";
import { hrefOf, navigate, parameter } from "../../core/route.js";
import { ColumnChoice } from "../../parts/columns.js";
import { csv, download } from "../../parts/csv.js";
import { Chips } from "../../parts/filters.js";
import { icon } from "../../parts/icon.js";
import { Ago, Grade } from "../../parts/marks.js";
import { Empty, Panel } from "../../parts/panel.js";
import { ROW_PX, Table, useSorted } from "../../parts/table.js";
import { changeOf, signed } from "./changes.js";

const MOST_ROWS = 14; // in view at once
const hrefOfAgent = ({ id }) => hrefOf(`/agents/${id}`);

const COLUMNS = [
  {
    key: "name", label: "Agent", width: "minmax(140px, 2fr)", value: ({ name }) => name,
    cell: (row) => html`<a class="clip" title=${row.name} href=${hrefOfAgent(row)}>${row.name}</a>`,
  },
  { key: "role", label: "Role", priority: 2, value: ({ role }) => role },
  {
    key: "score", label: "Score", number: true, value: (row) => row.quality_score * 100,
    text: (row) => points(row.quality_score * 100),
  },
  {
    key: "grade", label: "Grade", width: "64px", value: ({ grade }) => grade,
    cell: ({ grade }) => html`<${Grade} grade=${grade} />`,
  },
  {
    key: "change", label: "Change", number: true, value: changeOf,
    text: (row) => (changeOf(row) === null ? "–" : signed(changeOf(row))),
  },
  {
    key: "violations", label: "Violations", number: true, priority: 2, value: (row) => row.violations,
    text: (row) => exact(row.violations),
  },
  {
    key: "last_analysis", label: "Last scored", priority: 3, value: (row) => row.last_analysis,
    cell: (row) => html`<${Ago} at=${row.last_analysis} />`,
  },
];

export function Agents({ window, report }) {
  const grade = parameter("grade");
  const all = report.data?.agent_quality ?? [];
  const found = grade === null ? all : all.filter((agent) => agent.grade === grade);
  const rows = useSorted(found, COLUMNS, { fallback: "score" });
  const save = () => download("quality-by-agent.csv", csv([
    COLUMNS.map(({ label }) => label),
    ...rows.map((row) => COLUMNS.map(({ value }) => value(row))),
  ]));
  const height = `${ROW_PX * (Math.min(Math.max(rows.length, 1), MOST_ROWS) + 1) + 2}px`;
  return html`
    <${Panel} title="Agents by quality" note=${window} query=${report}
      height=${ROW_PX * (MOST_ROWS + 1)} actions=${html`
      <${Chips} names=${{ grade: "Grade" }} counts=${{ grade: found.length }} />
      <${ColumnChoice} table="quality" columns=${COLUMNS} />
      ${rows.length > 0 && html`<button class="button" onClick=${save}>${icon("download")}Export CSV</button>`}`}>
      ${() => (rows.length === 0
        ? html`<${Empty}><p>${grade === null
            ? "No agent was scored in this window."
            : `No agent has the grade ${grade.slice(0, 8)}: remove that filter to see all.`}</p></${Empty}>`
        : html`<${Table} name="quality" label="Agents by quality" columns=${COLUMNS} rows=${rows}
            rowKey=${({ id }) => id} height=${height} onOpen=${(row) => navigate(hrefOfAgent(row))} />`)}
    </${Panel}>`;
}
