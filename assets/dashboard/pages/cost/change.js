// Changes a budget, asked for where it is shown.

import { html, useLayoutEffect, useRef, useState } from "../../core/view.js";
import { announce } from "../../core/announce.js";
import { request } from "../../core/api.js";
import { money } from "../../core/format.js";
import { useShortcuts } from "../../core/keys.js";
import { Field, focusFirstInvalid } from "../../parts/form.js";
import { Problem } from "../../parts/panel.js";

const number = (text) => (text.trim() === "" ? NaN : Number(text.trim().replace(",", ".")));

// `member` is what the server calls the amount; `bodyOf` makes of a text what is sent, null where it is no amount.
export const ACTS = {
  raise: {
    button: "Raise for today", confirm: "Raise", label: "More for today, in USD", told: () => "Tomorrow the usual limit holds again.",
    done: "raised", member: "cost_usd", textOf: () => "", bodyOf: (text) => (number(text) > 0 ? { cost_usd: number(text) } : null),
  },
  set: {
    button: "Set the limit", confirm: "Set the limit", label: "A day may cost, in USD",
    told: () => "It holds from the next decision on. Left empty: no limit.",
    done: "set", member: "max_cost_per_day", textOf: ({ limit, raised }) => (limit === null ? "" : String(limit - raised)),
    bodyOf: (text) => (text.trim() === "" ? { max_cost_per_day: null } : number(text) >= 0 ? { max_cost_per_day: number(text) } : null),
  },
  reset: {
    button: "Reset for today", confirm: "Reset", done: "reset",
    told: ({ used }) => `The ${money(used)} used today count no longer. What was spent stays in all other figures.`,
  },
  pause: {
    button: "Pause", confirm: "Pause all spending", kind: "danger", done: "paused",
    told: () => "Every operation under this budget is denied until spending is resumed.",
  },
  resume: { button: "Resume", confirm: "Resume", done: "resumed", told: () => "Operations are allowed again as far as the budget goes." },
};

export function Change({ name, budget, act, reload, onClose }) {
  const { confirm, kind = "primary", label, told, done, member, textOf, bodyOf } = ACTS[act];
  const form = useRef(null);
  const [text, setText] = useState(textOf?.(budget) ?? "");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [wrong, setWrong] = useState(null);
  useLayoutEffect(() => { form.current.querySelector("input, button").focus(); }, []);
  useLayoutEffect(() => { if (wrong || error) focusFirstInvalid(form.current); }, [wrong, error]);
  const close = () => {
    const opener = form.current.closest("li").querySelector("summary");
    onClose();
    opener.focus();
  };
  useShortcuts("Budget", [{ keys: "Escape", label: "Leave the budget as it is", run: close }]);
  const send = async (event) => {
    event?.preventDefault();
    if (isBusy) return;
    const body = bodyOf?.(text);
    setWrong(body === null ? "is no amount in USD" : null);
    if (body === null) return;
    setBusy(true);
    try {
      await request(`/api/v1/budgets/${encodeURIComponent(budget.scope)}${act === "set" ? "" : `/${act}`}`, {
        method: act === "set" ? "PUT" : "POST", body,
      });
      announce(`The budget of ${name} is ${done}`);
      await reload();
      close();
      return;
    } catch (refusal) {
      setError(refusal);
    }
    setBusy(false);
  };
  return html`
    <form class="asks stack" ref=${form} noValidate aria-label="${confirm}: ${name}" onSubmit=${send}>
      ${label && html`<${Field} name=${member} label=${label} kind="number" hint=${told(budget)} value=${text}
        error=${wrong ?? error?.fields.get(member)} onChange=${(_, value) => setText(value)} />`}
      ${!label && html`<p>${told(budget)}</p>`}
      <div class="row wrap">
        <button class="button ${kind}" type="submit" aria-disabled=${isBusy}>${confirm}</button>
        <button class="button" type="button" onClick=${close}>Leave it</button>
      </div>
      ${error && html`<${Problem} error=${error} retry=${send} />`}
    </form>`;
}
