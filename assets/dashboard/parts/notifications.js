// Notifications of the browser about what waits for an answer, where its reader asked for them.

import { computed, signal } from "../core/view.js";
import { pending, subjectOf } from "../core/approvals.js";
import { hrefOf, navigate } from "../core/route.js";
import { read, write } from "../core/storage.js";
import { listen } from "../core/stream.js";
import { visible } from "./json.js";

const WANTED = "agentmap.notify";
const APART = 3; // at once; more are told together
const LONGEST = 200;
const TOGETHER = "agentmap";

const isSupported = "Notification" in globalThis;
const isWanted = signal(read(WANTED, false));
const permission = signal(isSupported ? Notification.permission : "unsupported");

// Whether they come: on, off, blocked (the browser does not let this site) or unsupported.
export const notifying = computed(() => {
  if (permission.value === "unsupported") return "unsupported";
  if (permission.value === "denied") return "blocked";
  return isWanted.value && permission.value === "granted" ? "on" : "off";
});

// The browser asks its reader, and only ever after a click.
export async function switchNotifications(isOn) {
  if (isOn) permission.value = await Notification.requestPermission();
  isWanted.value = isOn && permission.value === "granted";
  write(WANTED, isWanted.value || undefined);
}

const shown = new Map(); // by the approval's id

export function start() {
  listen((events) => {
    const ended = events.filter(({ type }) => type === "approval_resolved");
    for (const { data } of ended) close(data?.approval_id);
    if (notifying.value !== "on" || !document.hidden) return;
    // What was answered meanwhile, as after a break, needs nobody any more.
    const waiting = new Set(pending.peek().list.map(({ approval_id }) => approval_id));
    const asked = events.filter(({ type, data }) => type === "approval_requested" && waiting.has(data?.approval_id));
    if (asked.length > APART) {
      show(TOGETHER, `${asked.length} operations wait for approval`, {}, hrefOf("/approvals"));
      return;
    }
    for (const { data } of asked) tell(data);
  });
}

function tell({ approval_id, agent_name, question, rule }) {
  const what = visible(`${question.tool} ${subjectOf(question)}`.trim().slice(0, LONGEST));
  show(approval_id, `${visible(agent_name)} asks for approval`, { body: `${what}\n${visible(rule)}` },
    hrefOf("/approvals", { approval: approval_id }));
}

// The tag keeps several tabs of the dashboard from telling the same several times.
function show(tag, title, options, href) {
  try {
    const notification = new Notification(title, { ...options, tag, icon: "/assets/icon.svg" });
    notification.onclick = () => {
      window.focus();
      navigate(href);
      notification.close();
    };
    notification.onclose = () => shown.delete(tag);
    shown.set(tag, notification);
  } catch {
    // Some browsers of phones have the permission and show none from a page.
  }
}

function close(id) {
  shown.get(id)?.close();
  shown.delete(id);
}
