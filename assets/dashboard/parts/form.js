// A field of a form: its label, a hint, and what the server says is wrong with it.

import { html, useId } from "../core/view.js";

const SHORTEST_LIST = 2;
const LONGEST_LIST = 10;

const CONTROLS = {
  text: ({ shared, value, onText, options, id }) => html`
    <input class="input" type="text" ...${shared} value=${value} onInput=${onText} list=${options && `${id}-options`} />
    ${options && html`<datalist id="${id}-options">${options.map((option) => html`<option value=${option} />`)}</datalist>`}`,
  number: ({ shared, value, onText }) => html`
    <input class="input" type="text" inputmode="decimal" ...${shared} value=${value} onInput=${onText} />`,
  long: ({ shared, value, onText }) => html`<textarea class="input" rows="3" ...${shared} value=${value} onInput=${onText} />`,
  list: ({ shared, value, onText }) => {
    const rows = Math.min(LONGEST_LIST, Math.max(SHORTEST_LIST, value.split("\n").length));
    return html`<textarea class="input mono" ...${shared} rows=${rows} value=${value} onInput=${onText} spellcheck=${false} />`;
  },
};

// `kind` is text, number, long, list (one item a line) or flag; `value` is a text, of a flag whether it is set.
// `onChange(name, value)` tells what the reader made of it.
export function Field({ name, label, kind, hint, options, isRequired, value, error, onChange }) {
  const id = useId();
  const shared = {
    id,
    name,
    autocomplete: "off",
    "aria-required": isRequired,
    "aria-invalid": error ? "true" : undefined,
    "aria-describedby": [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined,
  };
  const notes = html`
    ${hint && html`<span class="small muted" id="${id}-hint">${hint}</span>`}
    ${error && html`<span class="small field-error" id="${id}-error">${error}</span>`}`;
  if (kind === "flag") {
    return html`
      <div class="field">
        <label class="row"><input type="checkbox" ...${shared} checked=${value} onChange=${({ target }) => onChange(name, target.checked)} />${label}</label>
        ${notes}
      </div>`;
  }
  const onText = ({ target }) => onChange(name, target.value);
  return html`
    <div class="field">
      <label for=${id}>${label}${isRequired && html`<span class="muted"> (required)</span>`}</label>
      ${CONTROLS[kind]({ shared, value, onText, options, id })}
      ${notes}
    </div>`;
}

// Puts the focus where the first problem of a form is.
export const focusFirstInvalid = (form) => form.querySelector("[aria-invalid=true]")?.focus();
