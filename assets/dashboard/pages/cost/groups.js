// Who or what used how much, as a table.

import { html, useMemo } from "../../core/view.js";
import { agentById } from "../../core/fleet.js";
import { amount, change, count, duration, exact, percent, tokens } from "../../core/format.js";
import { hrefOf, navigate } from "../../core/route.js";
import { ColumnChoice } from "../../parts/columns.js";
import { csv, download } from "../../parts/csv.js";
import { icon } from "../../parts/icon.js";
import { Panel } from "../../parts/panel.js";
import { ROW_PX, Table, useSorted } from "../../parts/table.js";

const MOST_ROWS = 12; // in view at once
export const MOST_GROUPS = 1_000; // that the server tells of

// Where a group leads to: to the agent, or to the agents of the role or category.
function hrefOfGroup(by, { key }) {
  if (by === "agent") return agentById(key) ? hrefOf(`/agents/${key}`) : null;
  return by !== "type" && key !== "" ? hrefOf("/agents", { [by]: key }) : null;
}

function Name({ by, row }) {
  const href = hrefOfGroup(by, row);
  return href === null
    ? html`<span class="clip" title=${row.name}>${row.name}</span>`
    : html`<a class="clip" title=${row.name} href=${href}>${row.name}</a>`;
}

const growth = ({ cost_usd, previous_cost_usd }) =>
  (previous_cost_usd > 0 ? cost_usd / previous_cost_usd - 1 : null);

const number = (key, label, value, format) =>
  ({ key, label, number: true, value, text: (row) => format(value(row)) });

const columnsOf = (by, total) => [
  {
    key: "name", label: by[0].toUpperCase() + by.slice(1), width: "minmax(120px, 2fr)", value: ({ name }) => name,
    cell: (row) => html`<${Name} by=${by} row=${row} />`,
  },
  number("cost_usd", "Cost, USD", (row) => row.cost_usd, amount),
  number("share", "Share", (row) => (total > 0 ? row.cost_usd / total : null), percent),
  ...[
    {
      ...number("change", "Change", growth, percent),
      text: (row) => change(row.cost_usd, row.previous_cost_usd) || "–",
    },
    number("tokens", "Tokens", (row) => row.tokens, tokens),
    number("calls", "Calls", (row) => row.calls, count),
    number("failures", "Failed", (row) => row.failures, exact),
    number("avg_ms", "Average", (row) => row.avg_ms, duration),
    number("p95_ms", "p95", (row) => row.p95_ms, duration),
  ].map((column) => ({ ...column, priority: 2 })),
];

export function Groups({ by, period, note, breakdown }) {
  const isCut = breakdown.data?.groups.length === MOST_GROUPS;
  const shown = isCut ? `${note}; the ${exact(MOST_GROUPS)} that cost most` : note;
  return html`
    <${Panel} title="Usage by ${by}" note=${shown} query=${breakdown} height=${ROW_PX * (MOST_ROWS + 1)}
      actions=${breakdown.data?.groups.length > 0 && html`
        <${Actions} by=${by} period=${period} breakdown=${breakdown.data} />`}>
      ${({ groups, total }) => (groups.length === 0
        ? html`<p class="muted">Nothing was recorded in this window.</p>`
        : html`<${Rows} by=${by} groups=${groups} total=${total.cost_usd} />`)}
    </${Panel}>`;
}

function useRows(by, groups, total) {
  const columns = useMemo(() => columnsOf(by, total), [by, total]);
  return { columns, rows: useSorted(groups, columns, { fallback: "-cost_usd" }) };
}

function Rows({ by, groups, total }) {
  const { columns, rows } = useRows(by, groups, total);
  const height = `${ROW_PX * (Math.min(rows.length, MOST_ROWS) + 1) + 2}px`;
  const open = (row) => {
    const href = hrefOfGroup(by, row);
    if (href !== null) navigate(href);
  };
  return html`<${Table} name="cost" label="Usage by ${by}" columns=${columns} rows=${rows} rowKey=${({ key }) => key}
    height=${height} onOpen=${open} />`;
}

function Actions({ by, period, breakdown: { groups, total } }) {
  const { columns, rows } = useRows(by, groups, total.cost_usd);
  const save = () => download(`usage-by-${by}-${period}.csv`, csv([
    columns.map(({ label }) => label),
    ...rows.map((row) => columns.map(({ value }) => value(row))),
  ]));
  return html`<${ColumnChoice} table="cost" columns=${columns} />
    <button class="button" onClick=${save}>${icon("download")}Export CSV</button>`;
}
