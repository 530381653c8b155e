// What to do when nothing happened yet.

import { html } from "../../core/view.js";
import { RecordEvent } from "../../parts/commands.js";
import { Empty } from "../../parts/panel.js";

export const FirstEvent = () => html`
  <${Empty}>
    <p>Nothing has happened yet. What agents do shows here at once. An agent's hook reports an operation so; try it:</p>
    <${RecordEvent} />
  </${Empty}>`;
