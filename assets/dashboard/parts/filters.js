// Filters that live in the address: fields to set them, chips to see and remove them.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../core/view.js";
import { handsFocusOn } from "../core/focus.js";
import { hrefWith, parameter, setParameters } from "../core/route.js";
import { useShortcuts } from "../core/keys.js";
import { count } from "../core/format.js";
import { icon } from "./icon.js";

const TYPING_MS = 150;
const MOST_OPTIONS = 200;

// One of some values. `options` are texts, or `{value, label, count}`; of very many the first are offered.
export function Choice({ name, label, options }) {
  const chosen = parameter(name) ?? "";
  const known = options.slice(0, MOST_OPTIONS)
    .map((option) => (typeof option === "string" ? { value: option, label: option } : option));
  const more = options.length - known.length;
  const isKnown = chosen === "" || known.some(({ value }) => value === chosen);
  return html`
    <select aria-label=${label} value=${chosen} onChange=${({ target }) => setParameters({ [name]: target.value || null })}>
      <option value="">any ${label.toLowerCase()}</option>
      ${!isKnown && html`<option value=${chosen}>${chosen}</option>`}
      ${known.map(({ value, label: text, count: found }) => html`
        <option key=${value} value=${value}>${clipped(text)}${found === undefined ? "" : ` (${count(found)})`}</option>`)}
      ${more > 0 && html`<option disabled>${more} more: search for them</option>`}
    </select>`;
}

// A list of options is as wide as its longest.
const clipped = (text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

// Free text, taken over while it is typed; Enter goes to the table of what was found. `isMain` gives it the key `/`.
export function Search({ name = "q", label = "Search", isMain = false }) {
  const field = useRef(null);
  const timer = useRef(null);
  const value = parameter(name) ?? "";
  useEffect(() => {
    if (document.activeElement !== field.current) field.current.value = value;
  }, [value]);
  useLayoutEffect(() => () => clearTimeout(timer.current), []); // the next page has an address of its own
  const take = () => {
    clearTimeout(timer.current);
    setParameters({ [name]: field.current.value.trim() || null });
  };
  const typed = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(take, TYPING_MS);
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    take();
    field.current.closest("main")?.querySelector("[role=grid]")?.focus();
  };
  const focus = () => { field.current.focus(); field.current.select(); };
  useShortcuts("Page", isMain ? [{ keys: "/", label: "Search this page", run: focus }] : []);
  return html`
    <input class="input" type="search" ref=${field} placeholder=${label} aria-label=${label} defaultValue=${value}
      maxlength="200" onInput=${typed} onKeyDown=${onKeyDown} />`;
}

// A text that must match as a whole, taken over with Enter, when it is left or when a suggestion is taken. `suggest` gives
// the suggestions for what is typed; `toText` and `toValue` lead from the address to the field and back.
export function Exact({ name, label, suggest = () => [], toText = String, toValue = String }) {
  const field = useRef(null);
  const id = useId();
  const [typed, setTyped] = useState(null);
  const text = toText(parameter(name) ?? "");
  const suggested = typed === null ? [] : suggest(typed);
  useEffect(() => {
    if (document.activeElement !== field.current) field.current.value = text;
  }, [text]);
  const take = () => setParameters({ [name]: toValue(field.current.value.trim()) || null });
  const onInput = ({ target: { value } }) => {
    setTyped(value);
    if (value === "" || suggested.includes(value)) take();
  };
  return html`
    <input class="input" type="search" ref=${field} placeholder=${label} aria-label=${label} defaultValue=${text} list=${id}
      autocomplete="off" onFocus=${() => setTyped("")} onBlur=${() => setTyped(null)} onInput=${onInput} onChange=${take} />
    <datalist id=${id}>${suggested.map((each) => html`<option key=${each} value=${each} />`)}</datalist>`;
}

// The filters that are set, each to be removed. `names` maps the parameter to what people call it, or to `{label, text}`
// with a function that says its value; `counts` holds how many each of them lets through.
export function Chips({ names, counts = {} }) {
  const set = Object.entries(names).filter(([name]) => parameter(name) !== null)
    .map(([name, known]) => ({ name, text: String, ...(typeof known === "string" ? { label: known } : known) }));
  if (set.length === 0) return null;
  return html`
    <div class="row wrap" role="group" aria-label="Filters that are set">
      ${set.map(({ name, label, text }) => html`
        <span class="chip" key=${name}><span class="clip" title=${parameter(name)}>${label}: ${text(parameter(name))}</span>
          ${counts[name] !== undefined && html`<span>(${count(counts[name])})</span>`}
          <button ref=${handsFocusOn} aria-label="Remove the filter ${label}"
            onClick=${() => setParameters({ [name]: null })}>${icon("close")}</button>
        </span>`)}
      ${set.length > 1 && html`
        <a class="small" ref=${handsFocusOn} href=${hrefWith(Object.fromEntries(set.map(({ name }) => [name, null])))}>Clear all</a>`}
    </div>`;
}
