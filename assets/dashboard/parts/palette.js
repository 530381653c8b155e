// The command palette: agents, pages and actions by a few letters of their name.

import { html, useMemo, useState } from "../core/view.js";
import { fleet } from "../core/fleet.js";
import { hrefOf, navigate } from "../core/route.js";
import { hrefInRange } from "../core/range.js";
import { logOut, session } from "../core/session.js";
import { chooseNext } from "../core/theme.js";
import { Overlay } from "./overlay.js";
import { icon } from "./icon.js";

const SHOWN = 50;

export function Palette({ pages, onClose, onHelp }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const { agents } = fleet.value;
  const found = useMemo(() => find(text, commands({ pages, agents, onHelp })), [text, agents]);
  const current = Math.min(chosen, found.length - 1);
  const run = (command) => { onClose(); command.run(); };
  const step = (by) => {
    const next = (current + by + found.length) % Math.max(1, found.length);
    setChosen(next);
    document.getElementById(`command-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    ArrowDown: () => step(1), ArrowUp: () => step(-1), Enter: () => found[current] && run(found[current]),
  };
  const onKeyDown = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  return html`
    <${Overlay} label="Find an agent or a page" class="palette" onClose=${onClose}>
      <input autofocus role="combobox" aria-expanded="true" aria-controls="commands" aria-label="Find an agent or a page"
        aria-activedescendant=${found.length > 0 ? `command-${current}` : undefined} placeholder="Find an agent, a page, an action"
        maxlength="200" onInput=${({ target }) => { setText(target.value); setChosen(0); }} onKeyDown=${onKeyDown} />
      <ul id="commands" role="listbox" aria-label="Found">
        ${found.map((command, index) => html`
          <li id="command-${index}" key=${command.id} role="option" aria-selected=${index === current}
            onMouseMove=${() => index !== current && setChosen(index)} onClick=${() => run(command)}>
            ${icon(command.icon)}<span class="clip">${command.name}</span><span class="kind">${command.kind}</span>
          </li>`)}
      </ul>
      ${found.length === 0 && html`<p class="muted" style=${{ padding: "12px 16px" }}>Nothing is called like that.</p>`}
    </${Overlay}>`;
}

const commands = ({ pages, agents, onHelp }) => [
  ...pages.map(({ name, path, icon: shape }) => ({
    id: path, name, kind: "page", icon: shape, run: () => navigate(hrefInRange(path)),
  })),
  ...agents.map((agent) => ({
    id: agent.agent_id,
    name: agent.display_name === agent.name ? agent.name : `${agent.display_name} (${agent.name})`,
    kind: `${agent.role}, ${agent.status}`,
    icon: "agents",
    run: () => navigate(hrefOf(`/agents/${agent.agent_id}`)),
  })),
  { id: "theme", name: "Change the theme", kind: "action", icon: "dark", run: chooseNext },
  { id: "help", name: "Keyboard shortcuts", kind: "action", icon: "help", run: onHelp },
  ...(session.value ? [{ id: "leave", name: "Log out", kind: "action", icon: "leave", run: logOut }] : []),
];

// Those whose names hold the letters in their order; the closer together and the earlier, the better.
function find(text, all) {
  const wanted = text.toLowerCase().replaceAll(/\s+/g, "");
  if (wanted === "") return all.slice(0, SHOWN);
  return all
    .map((command) => [scoreOf(command.name.toLowerCase(), wanted), command])
    .filter(([score]) => score !== null)
    .sort(([a], [b]) => a - b)
    .slice(0, SHOWN)
    .map(([, command]) => command);
}

function scoreOf(name, wanted) {
  const whole = name.indexOf(wanted);
  if (whole >= 0) return whole;
  let at = -1;
  let spread = 100;
  for (const letter of wanted) {
    const next = name.indexOf(letter, at + 1);
    if (next < 0) return null;
    spread += next - at - 1;
    at = next;
  }
  return spread;
}
