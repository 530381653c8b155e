// An agent's fields, changed in place. Only what the reader changed is sent, and what others changed meanwhile is asked
// about first; between that last look and the write, a change of the same field by others is overwritten.

import { html, useEffect, useRef, useState } from "../../core/view.js";
import { request } from "../../core/api.js";
import { announce } from "../../core/announce.js";
import { handsFocusOn } from "../../core/focus.js";
import { hrefWith } from "../../core/route.js";
import { AgentForm } from "./form.js";
import { bodyOf, differing, labelOf, textsOf } from "./fields.js";

// `agent` is as the server has it now, `reload` reads it again.
export function EditAgent({ agent, reload }) {
  const theirs = textsOf(agent);
  const [base, setBase] = useState(theirs);
  const [texts, setTexts] = useState(theirs);
  const isSaving = useRef(false);
  const notice = useRef(null);
  const changed = differing(texts, base);
  const meanwhile = isSaving.current ? [] : differing(theirs, base);
  const takeTheirs = () => { setBase(theirs); setTexts(theirs); };
  const keepMine = () => {
    const mine = Object.fromEntries(changed.map((name) => [name, texts[name]]));
    setBase(theirs);
    setTexts({ ...theirs, ...mine });
  };
  useEffect(() => { if (meanwhile.length > 0 && changed.length === 0) takeTheirs(); });

  const url = `/api/v1/agents/${agent.agent_id}`;
  const save = async () => {
    const { body: present } = await request(url);
    if (differing(textsOf(present), base).length > 0) {
      await reload();
      notice.current?.focus();
      return null;
    }
    isSaving.current = true; // the event of this very change comes before its answer
    try {
      if (changed.length > 0) await request(url, { method: "PUT", body: bodyOf(texts, changed) });
      await reload();
    } finally {
      isSaving.current = false;
    }
    announce(changed.length > 0 ? `${agent.name} is saved` : "Nothing was changed");
    return hrefWith({ edit: null });
  };
  return html`
    <${AgentForm} title="Edit ${agent.name}" action="Save" texts=${texts} isDirty=${changed.length > 0} save=${save}
      cancelTo=${hrefWith({ edit: null })} onChange=${(name, value) => setTexts((before) => ({ ...before, [name]: value }))}>
      ${meanwhile.length > 0 && changed.length > 0 && html`
        <div class="row wrap asks" role="alert" tabindex="-1" ref=${notice}>
          <span>Changed meanwhile by someone else: ${meanwhile.map(labelOf).join(", ")}.</span>
          <button class="button" type="button" ref=${handsFocusOn} onClick=${takeTheirs}>Reload theirs</button>
          <button class="button" type="button" ref=${handsFocusOn} onClick=${keepMine}>Overwrite with mine</button>
        </div>`}
    </${AgentForm}>`;
}
