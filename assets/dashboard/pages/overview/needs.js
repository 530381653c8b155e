// What a person should look at now; when there is nothing, one quiet line.

import { html, signal, useEffect, useRef } from "../../core/view.js";
import { load as loadApprovals, pending, subjectOf } from "../../core/approvals.js";
import { agentById, fleet, load } from "../../core/fleet.js";
import { handsFocusOn } from "../../core/focus.js";
import { hrefOf } from "../../core/route.js";
import { useQuery } from "../../core/query.js";
import { count, money, percent } from "../../core/format.js";
import { isListOfTexts, read, write } from "../../core/storage.js";
import { visible } from "../../parts/json.js";
import { Ago, levelOf } from "../../parts/marks.js";
import { Panel } from "../../parts/panel.js";
import { icon } from "../../parts/icon.js";

const DAY_MS = 86_400_000;
const SHOWN = 6; // the others are one click away
const LISTED = 50; // of the others
const APART = 3; // of one kind; more are told together
const LONGEST = 300; // of a text that is clipped anyway
const FAILING = 0.6; // of what it did succeeded
const DISMISSED = "agentmap.dismissed";
const HEIGHT = "agentmap.needs"; // px
const ALERTS = "/api/v1/agents/alerts?limit=100";

const dismissed = signal(new Set(read(DISMISSED, [], isListOfTexts)));

// In this browser alone: the alert stays in the log, and others still see it.
function dismiss(id) {
  dismissed.value = new Set([...dismissed.value, id].slice(-500));
  write(DISMISSED, [...dismissed.value]);
}

// What was needed when last seen, so that what is below does not jump.
const height = read(HEIGHT, 116, (px) => px > 0 && px < 2_000);

export function Needs() {
  const alerts = useQuery(ALERTS, { on: ["alerts"] });
  return html`
    <${Panel} title="Needs you" query=${[approvalsAsQuery(), agentsAsQuery(), alerts]} height=${height}>
      ${(asked, agents, told) => html`<${List} needs=${[...ofApprovals(asked), ...ofAgents(agents), ...ofAlerts(told)]} />`}
    </${Panel}>`;
}

function approvalsAsQuery() {
  const { list, error, isLoading } = pending.value;
  const isUnread = isLoading || (error !== null && list.length === 0);
  return { data: isUnread ? undefined : list, error, reload: loadApprovals };
}

// That nobody is known is no news as long as the agents could not be read.
function agentsAsQuery() {
  const { agents, error, isLoading } = fleet.value;
  const isUnread = isLoading || (error !== null && agents.length === 0);
  return { data: isUnread ? undefined : agents, error, reload: load };
}

function List({ needs }) {
  const box = useRef(null);
  useEffect(() => write(HEIGHT, box.current.offsetHeight), [needs.length]);
  return html`<div ref=${box}><${Shown} needs=${needs} /></div>`;
}

function Shown({ needs }) {
  if (needs.length === 0) return html`<p class="muted">Nothing: no budget is exceeded, nobody is blocked or waits for an answer, no alert is open.</p>`;
  return html`
    <ul class="needs">
      ${needs.slice(0, SHOWN).map(({ key, state, what, text, href, at, onDismiss }) => html`
        <li key=${key}>
          <a class="row spring" href=${href}><span class="state what" data-state=${state}>${what}</span><span class="clip">${text}</span></a>
          ${at && html`<span class="muted small"><${Ago} at=${at} /></span>`}
          ${onDismiss && html`<button class="button quiet icon" ref=${handsFocusOn} aria-label="Dismiss: ${text}" onClick=${onDismiss}>${icon("close")}</button>`}
        </li>`)}
    </ul>
    ${needs.length > SHOWN && html`<details class="small"><summary class="muted">${count(needs.length - SHOWN)} more</summary>
      <${More} needs=${needs.slice(SHOWN)} /></details>`}`;
}

const More = ({ needs }) => html`
  <ul class="needs">${needs.slice(0, LISTED).map(({ key, state, what, text, href }) => html`
    <li key=${key}><a class="row" href=${href}><span class="state what" data-state=${state}>${what}</span><span class="clip">${text}</span></a></li>`)}</ul>
  ${needs.length > LISTED && html`<p class="muted">${count(needs.length - LISTED)} others are not listed here.
    <a href=${hrefOf("/activity", { type: "budget_alert" })}>All alerts</a></p>`}`;

function ofAgents(agents) {
  const exceeded = agents.filter(isExceeded);
  const stopped = agents.filter((agent) => agent.status === "blocked" && !isExceeded(agent));
  const failing = agents.filter(({ success_rate: rate, status }) => rate !== null && rate < FAILING && status === "active");
  return [
    together("Budget exceeded", "bad", { sort: "-budget" }, exceeded.map((agent) => needOf(agent,
      `used ${money(agent.cost_used_today, agent.currency)} of ${money(agent.max_cost_per_day, agent.currency)} today`))),
    together("Blocked", "bad", { status: "blocked" }, stopped.map((agent) => needOf(agent, "used up its session's tokens"))),
    together("Failing", "bad", { sort: "success_rate" }, failing.map((agent) =>
      needOf(agent, `${percent(agent.success_rate)} of its work succeeds`))),
  ].flat();
}

const isExceeded = (agent) => levelOf(agent.cost_used_today, agent.max_cost_per_day) === "exceeded";

const needOf = ({ agent_id, name }, text) =>
  ({ name, key: agent_id, text: `${name} ${text}`, href: hrefOf(`/agents/${agent_id}`) });

// Needs of one kind; when they are many and of several agents, one that leads to the list of them.
function together(what, state, filters, needs) {
  const names = [...new Set(needs.map(({ name }) => name))];
  if (needs.length <= APART || names.length === 1) return needs.map((need) => ({ ...need, key: `${what} ${need.key}`, what, state }));
  const named = names.slice(0, APART).join(", ") + (names.length > APART ? " and others" : "");
  const dismissals = needs.map(({ onDismiss }) => onDismiss).filter(Boolean);
  return [{
    key: what, what, state, text: `${count(names.length)} agents: ${named}`, href: hrefOf("/agents", filters),
    at: needs[0].at, onDismiss: dismissals.length > 0 ? () => dismissals.forEach((run) => run()) : undefined,
  }];
}

// What waits for an answer comes before all else: an agent stands still until then.
function ofApprovals(list) {
  const [what, state] = ["Approval", "warn"];
  if (list.length <= APART) {
    return list.map((approval) => ({
      key: approval.approval_id, what, state, at: approval.created_at, href: hrefOf("/approvals", { approval: approval.approval_id }),
      text: visible(`${approval.agent_name} asks: ${approval.question.tool} ${subjectOf(approval.question)}`.slice(0, LONGEST)),
    }));
  }
  const names = [...new Set(list.map(({ agent_name }) => visible(agent_name)))];
  const named = names.slice(0, APART).join(", ") + (names.length > APART ? " and others" : "");
  return [{ key: what, what, state, at: list[0].created_at, href: hrefOf("/approvals"), text: `${count(list.length)} wait: ${named}` }];
}

// Alerts of the last day, without those that the agents' present state tells already.
function ofAlerts({ alerts }) {
  const open = alerts.filter(({ id, severity, timestamp, agent_id }) => {
    const agent = agentById(agent_id);
    const isTold = agent !== undefined && (isExceeded(agent) || agent.status === "blocked");
    return severity !== "info" && !isTold && !dismissed.value.has(id) && Date.now() - Date.parse(timestamp) < DAY_MS;
  });
  return [...Map.groupBy(open, ({ title }) => title)].flatMap(([title, list]) =>
    together(title, list[0].severity === "error" ? "bad" : "warn", { sort: "-budget" }, list.map((alert) => ({
      key: alert.id, name: alert.agent_name, text: alert.message, at: alert.timestamp,
      href: hrefOf(`/agents/${alert.agent_id}`), onDismiss: () => dismiss(alert.id),
    }))));
}
