// Whether this browser tells of what waits while the dashboard is out of sight.

import { html } from "../../core/view.js";
import { notifying, switchNotifications } from "../../parts/notifications.js";

const WHY_NOT = {
  blocked: "This browser blocks notifications of this site; its settings for the site allow them.",
  unsupported: "This browser shows no notifications of sites.",
};

export function NotifySwitch() {
  const state = notifying.value;
  const change = async ({ target }) => {
    await switchNotifications(target.checked);
    target.checked = notifying.value === "on"; // where the browser was not allowed to
  };
  return html`
    <div class="stack notify">
      <label class="row"><input type="checkbox" role="switch" checked=${state === "on"} disabled=${state === "unsupported"}
        aria-describedby=${WHY_NOT[state] && "why-not"} onChange=${change} />Notify me in this browser</label>
      ${WHY_NOT[state] && html`<span class="small muted" id="why-not">${WHY_NOT[state]}</span>`}
    </div>`;
}
