// The form of an agent's fields, for a new agent and for one that is changed.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { holdReader, navigate } from "../../core/route.js";
import { useShortcuts } from "../../core/keys.js";
import { Field, focusFirstInvalid } from "../../parts/form.js";
import { Problem } from "../../parts/panel.js";
import { GROUPS } from "./fields.js";

// `texts` are what the fields hold, `save()` sends them and throws what the server has against them; it gives the
// address to go to, or null when there is more to settle first. `isDirty` tells whether anything would be lost.
export function AgentForm({ title, action, texts, onChange, isNew, isDirty, save, cancelTo, children }) {
  const form = useRef(null);
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const { asked, leave, stay } = useLeaving(isDirty, form);
  useLayoutEffect(() => { form.current.querySelector("input:not([disabled])").focus(); }, []);
  useLayoutEffect(() => { if (error) focusFirstInvalid(form.current); }, [error]);
  const submit = async (event) => {
    event?.preventDefault();
    if (isBusy) return;
    setBusy(true);
    try {
      const href = await save();
      setError(null);
      if (href !== null) leave(href);
    } catch (refusal) {
      setError(refusal);
    }
    setBusy(false);
  };
  useShortcuts("Form", [
    { keys: "Mod+enter", label: "Save", run: () => { submit(); } },
    { keys: "Escape", label: "Cancel", run: () => { if (asked) stay(); else navigate(cancelTo); } },
  ]);
  return html`
    <form class="agent-form stack" ref=${form} noValidate aria-label=${title} onSubmit=${submit}>
      ${GROUPS.map((group) => html`
        <fieldset key=${group.title}>
          <legend>${group.title}</legend>
          <div class="fields">
            ${group.fields.filter(({ isFixed }) => isNew || !isFixed).map((field) => html`
              <${Field} key=${field.name} ...${field} value=${texts[field.name]} error=${problemOf(field.name, error)}
                onChange=${onChange} />`)}
          </div>
        </fieldset>`)}
      <div class="form-foot stack">
        ${children}
        ${error && html`<${Problem} error=${summaryOf(error)} />`}
        ${asked
          ? html`<${Unsaved} onStay=${stay} onLeave=${() => leave(asked)} />`
          : html`
            <div class="row wrap">
              <button class="button primary" type="submit" aria-disabled=${isBusy}>${action}</button>
              <button class="button" type="button" onClick=${() => navigate(cancelTo)}>Cancel</button>
              <span class="small muted" role="status">${isBusy ? "Saving" : isDirty ? "Not saved yet" : ""}</span>
            </div>`}
      </div>
    </form>`;
}

// A conflict (409) is about the name: nothing else of an agent must be its own.
function problemOf(name, error) {
  if (error?.status === 409 && name === "name") return error.message;
  return error?.fields.get(name);
}

// What is said beside the fields is not said twice.
function summaryOf({ message, requestId, fields }) {
  if (fields.size === 0) return { message, requestId };
  return { message: fields.size === 1 ? "One field needs a change." : `${fields.size} fields need a change.`, requestId };
}

// Asks in place before what was written is lost.
function useLeaving(isDirty, form) {
  const [asked, setAsked] = useState(null);
  const release = useRef(() => {});
  useLayoutEffect(() => {
    if (!isDirty) return undefined;
    const { pathname, search } = location;
    const isEditing = new URLSearchParams(search).get("edit");
    release.current = holdReader((href) => {
      const next = new URL(href, location.href);
      const isLeaving = next.pathname !== pathname || next.searchParams.get("edit") !== isEditing;
      if (isLeaving) setAsked(href);
      return isLeaving;
    });
    return release.current;
  }, [isDirty]);
  return {
    asked,
    leave: (href) => { release.current(); navigate(href); },
    stay: () => { setAsked(null); form.current.querySelector("input:not([disabled])").focus(); },
  };
}

function Unsaved({ onStay, onLeave }) {
  const button = useRef(null);
  useLayoutEffect(() => { button.current.focus(); }, []);
  return html`
    <div class="row wrap asks" role="alert">
      <span>What you changed is not saved.</span>
      <button class="button" type="button" ref=${button} onClick=${onStay}>Go on editing</button>
      <button class="button danger" type="button" onClick=${onLeave}>Discard the changes</button>
    </div>`;
}
