// Going back in time: to the first event at or after a moment.

import { html, useState } from "../../core/view.js";
import { request, urlOf } from "../../core/api.js";
import { setParameters } from "../../core/route.js";
import { EVENTS } from "../../core/stream.js";
import { Menu } from "../../parts/menu.js";

const MINUTE = 60_000;
const JUMPS = [["5 min ago", 5 * MINUTE], ["15 min ago", 15 * MINUTE], ["1 h ago", 60 * MINUTE], ["24 h ago", 1_440 * MINUTE]];

export function Jump() {
  const [problem, setProblem] = useState("");
  const go = async (time, close) => {
    try {
      const at = new Date(time).toISOString();
      const { body } = await request(urlOf(EVENTS, { at, limit: 1 }));
      // Nothing since then: the end of what there is.
      const since = body.events.length > 0 ? body.events[0].seq - 1 : body.last_seq;
      setProblem("");
      close();
      setParameters({ since, event: null }, { push: true });
    } catch (error) {
      setProblem(error instanceof RangeError ? "That is no time." : error.message);
    }
  };
  const submit = (event, close) => {
    event.preventDefault();
    go(new FormData(event.target).get("at"), close);
  };
  return html`
    <${Menu} label="Back in time">${(close) => html`
      ${JUMPS.map(([label, ms]) => html`
        <button class="button quiet" key=${label} onClick=${() => go(Date.now() - ms, close)}>${label}</button>`)}
      <form class="stack" onSubmit=${(event) => submit(event, close)}>
        <label class="stack">At <input class="input" type="datetime-local" name="at" step="1" required /></label>
        <button class="button primary" type="submit">Go there</button>
      </form>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}`}</${Menu}>`;
}
