// The rail: the pages, and at its foot whether this page is live, the theme, the help and the way out.

import { html } from "../core/view.js";
import { hrefOf } from "../core/route.js";
import { hrefInRange } from "../core/range.js";
import { connection } from "../core/stream.js";
import { logOut, session } from "../core/session.js";
import { choice, chooseNext } from "../core/theme.js";
import { count, timeOfDay } from "../core/format.js";
import { icon } from "./icon.js";

const MOST_TOLD = 99; // in a badge

export function Rail({ pages, current, onHelp }) {
  return html`
    <nav class="rail" aria-label="Pages">
      <a class="brand" href=${hrefOf("/")} aria-label="agentmap">
        <img src="/assets/icon.svg" width="20" height="20" alt="" /><span>agentmap</span>
      </a>
      <ul>
        ${pages.map((page) => html`<${Item} key=${page.path} page=${page} isCurrent=${page === current} />`)}
      </ul>
      <div class="rail-foot">
        <${Connection} />
        <button class="rail-item" onClick=${chooseNext} title="Theme: ${choice.value}" aria-label="Theme: ${choice.value}">
          ${icon(choice.value)}<span class="rail-label">Theme: ${choice.value}</span>
        </button>
        <button class="rail-item" onClick=${onHelp} title="Keyboard shortcuts (?)" aria-label="Help">
          ${icon("help")}<span class="rail-label">Help</span>
        </button>
        ${session.value && html`
          <button class="rail-item" onClick=${logOut} title="Log out ${session.value.name} (${session.value.role})" aria-label="Log out">
            ${icon("leave")}<span class="rail-label">Log out</span>
          </button>`}
      </div>
    </nav>`;
}

function Item({ page, isCurrent }) {
  const waiting = page.waiting?.value ?? 0;
  const told = waiting > MOST_TOLD ? `${MOST_TOLD}+` : String(waiting);
  const name = waiting > 0 ? `${page.name}, ${told} waiting` : page.name;
  return html`
    <li>
      <a class="rail-item" href=${hrefInRange(page.path)} title=${name} aria-label=${name} aria-current=${isCurrent ? "page" : undefined}>
        ${icon(page.icon)}<span class="rail-label">${page.name}</span>${waiting > 0 && html`${" "}<span class="badge">${told}</span>`}
      </a>
    </li>`;
}

// A mark, and the words for it; to what changes with every event a screen reader does not listen.
const PHASES = {
  connecting: () => ["○", "connecting"],
  live: () => ["●", "live"],
  behind: ({ behind }) => ["◐", "catching up", `, ${count(behind)}`],
  offline: ({ since }) => ["✕", `offline since ${timeOfDay(since)}`],
};

// Whether what is shown is what is.
function Connection() {
  const state = connection.value;
  const [mark, text, more = ""] = PHASES[state.phase](state);
  return html`
    <div class="rail-item connection" role="status" data-phase=${state.phase} title="${text}${more}">
      <span class="mark" aria-hidden="true">${mark}</span>
      <span class="rail-label" aria-hidden="true">${text}${more}</span><span class="hidden-text">${text}</span>
    </div>`;
}

// Above the page when it is not live: what is shown may be old.
export function OfflineNote() {
  const { phase, since } = connection.value;
  if (phase !== "offline") return null;
  return html`<p class="offline-note">The server cannot be reached since ${timeOfDay(since)}. What is shown is from before;
    this page goes on by itself when the server is back.</p>`;
}
