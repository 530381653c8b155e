// A time range between two moments of the reader's clock.

import { html, useState } from "../core/view.js";
import { chooseBetween, range } from "../core/range.js";
import { Menu } from "./menu.js";

// A moment as a field of type datetime-local has it: without a zone.
function local(timestamp) {
  const date = new Date(timestamp);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function RangeDates() {
  const [problem, setProblem] = useState("");
  const { from, to, ms, label } = range.value;
  const submit = (event, close) => {
    event.preventDefault();
    const fields = new FormData(event.target);
    const [start, end] = [new Date(fields.get("from")), new Date(fields.get("to"))];
    if (!(start < end)) {
      setProblem("The start must be before the end.");
      return;
    }
    setProblem("");
    close();
    chooseBetween(start.toISOString(), end.toISOString());
  };
  return html`
    <${Menu} label=${html`${from ? label : "custom"}<span class="hidden-text">time range</span>`}>${(close) => html`
      <form class="stack" onSubmit=${(event) => submit(event, close)}>
        <label class="stack">From <input class="input" type="datetime-local" name="from" required
          defaultValue=${local(from ?? Date.now() - ms)} /></label>
        <label class="stack">To <input class="input" type="datetime-local" name="to" required
          defaultValue=${local(to ?? Date.now())} /></label>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <button class="button primary" type="submit">Show</button>
      </form>`}
    </${Menu}>`;
}
