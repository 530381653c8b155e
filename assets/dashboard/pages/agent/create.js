// A new agent.

import { html, useState } from "../../core/view.js";
import { request } from "../../core/api.js";
import { announce } from "../../core/announce.js";
import { load } from "../../core/fleet.js";
import { hrefOf } from "../../core/route.js";
import { AgentForm } from "./form.js";
import { blankTexts, bodyOf, differing, filledIn } from "./fields.js";

export function CreateAgent() {
  const [texts, setTexts] = useState(blankTexts);
  const save = async () => {
    const { body } = await request("/api/v1/agents/", { method: "POST", body: bodyOf(texts, filledIn(texts)) });
    await load();
    announce(`${body.name} is registered`);
    return hrefOf(`/agents/${body.agent_id}`);
  };
  return html`
    <h2>New agent</h2>
    <${AgentForm} title="New agent" action="Register the agent" isNew texts=${texts} save=${save}
      isDirty=${differing(texts, blankTexts()).length > 0} cancelTo=${hrefOf("/agents")}
      onChange=${(name, value) => setTexts((before) => ({ ...before, [name]: value }))} />`;
}
