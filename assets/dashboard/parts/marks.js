// Small marks that mean the same everywhere: states, grades, budgets, times, amounts.

import { html } from "../core/view.js";
import { now } from "../core/clock.js";
import { ago, amount, exact, moment, money, percent, points, timeLeft, tokens, words } from "../core/format.js";

const SHORT_MS = 120_000;

const STATUS = { active: "ok", idle: "idle", blocked: "bad", paused: "warn", offline: "idle" };
export const STATUSES = Object.keys(STATUS);

// What an agent does right now.
export const Status = ({ status }) => html`<span class="state" data-state=${STATUS[status]}>${status}</span>`;

const DECISION = { allowed: "ok", denied: "bad", requires_approval: "warn" };
export const DECISIONS = [...Object.keys(DECISION), "unknown"];

// What was decided about an operation.
export const Decision = ({ decision }) =>
  html`<span class="state" data-state=${DECISION[decision] ?? "idle"}>${words(decision)}</span>`;

const EVENTS = {
  operation_allowed: "ok", task_completed: "ok", quality_gate_passed: "ok", agent_spawned: "info", agent_created: "info",
  operation_requires_approval: "warn", approval_requested: "warn", budget_alert: "warn", gap: "warn",
  operation_denied: "bad", task_failed: "bad", quality_gate_failed: "bad",
};
export const EVENT_TYPES = [
  "operation_allowed", "operation_denied", "operation_requires_approval", "metric_recorded", "task_completed",
  "task_failed", "budget_updated", "budget_alert", "quality_update", "quality_gate_passed", "quality_gate_failed",
  "agent_spawned", "agent_created", "agent_updated", "agent_deleted", "approval_requested", "approval_resolved",
];

// The state that an event's type stands for: ok, info, warn, bad or idle.
export const stateOf = (type) => EVENTS[type] ?? "idle";

const ANSWERS = { pending: "warn", approved: "ok", denied: "bad", expired: "idle" };
const REACHES = { session: "approved for the session", always: "approved for always" };

// How what was asked of a person stands.
export const Answered = ({ status, scope }) => html`
  <span class="state" data-state=${ANSWERS[status] ?? "idle"}>${(status === "approved" && REACHES[scope]) || words(status)}</span>`;

// The kind of an event.
export const EventType = ({ type }) => html`<span class="state" data-state=${stateOf(type)}>${words(type)}</span>`;

// The school grade of a score of 0-1, as the server gives it; null without one.
export function gradeOf(score) {
  if (score === null || score === undefined) return null;
  return ["A", "B", "C", "D"].find((_, index) => score >= 0.9 - index / 10) ?? "F";
}

export function Grade({ score, grade = gradeOf(score) }) {
  if (grade === null) return html`<span class="muted">–</span>`;
  const title = score === undefined ? undefined : `${points(score * 100)} of 100`;
  return html`<span class="grade" data-grade=${grade} title=${title}>${grade}</span>`;
}

// How much of a budget is used: under 70 % normal, to 90 % warning, to 100 % critical, beyond exceeded.
export function levelOf(used, limit) {
  if (used > limit) return "exceeded";
  const share = limit > 0 ? used / limit : 0;
  return share < 0.7 ? "normal" : share < 0.9 ? "warning" : "critical";
}

export function BudgetBar({ used, limit, currency = "USD" }) {
  const level = levelOf(used, limit);
  const share = limit > 0 ? used / limit : 0;
  return html`
    <span class="budget" data-level=${level} title="${money(used, currency)} of ${money(limit, currency)}: ${level}">
      <span class="track"><span class="fill" style=${{ display: "block", width: `${Math.min(100, share * 100)}%` }} /></span>
      <span class="number">${percent(share)}</span>
    </span>`;
}

// A time as "3 min ago", with the exact moment on hover.
export const Ago = ({ at }) =>
  html`<time class="nowrap" dateTime=${at ?? undefined} title=${moment(at)}>${ago(at, now.value)}</time>`;

// How long something still waits; what is about to end stands out.
export function TimeLeft({ at }) {
  const isShort = Date.parse(at) - now.value < SHORT_MS;
  return html`<time class="nowrap ${isShort ? "short" : ""}" dateTime=${at} title=${moment(at)}>${timeLeft(at, now.value)}</time>`;
}

export const Money = ({ value, currency = "USD" }) =>
  html`<span class="number nowrap" title="${currency} ${value}">${money(value, currency)}</span>`;
export const Amount = ({ value }) => html`<span class="number" title=${value}>${amount(value)}</span>`;
export const Tokens = ({ value }) => html`<span class="number" title=${exact(value)}>${tokens(value)}</span>`;
