// A client of the API: what agents and their hooks send.

import { PATIENCE_MS } from "./wait.js";

let named = 0;

export class Api {
  #server;

  constructor(server) {
    this.#server = server;
  }

  // The answer's body; throws on any status that is not a success.
  async request(method, path, body) {
    const response = await fetch(new URL(path, this.#server.url), {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answers ${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  get(path) {
    return this.request("GET", path);
  }

  // Registers an agent; what is not given is plausible, and the name is one that no other agent has.
  createAgent(fields = {}) {
    return this.request("POST", "/api/v1/agents/", {
      name: `agent-${process.pid}-${++named}`,
      role: "developer",
      capabilities: ["coding"],
      rbac_allowed_tools: ["Read", "Write"],
      rbac_path_scopes: ["src/**"],
      budget_max_tokens_per_session: 200_000,
      budget_max_cost_per_day: 30,
      metadata_category: "foundry",
      ...fields,
    });
  }

  recordMetric(agent_id, fields = {}) {
    return this.request("POST", "/api/v1/metrics/", { agent_id, metric_type: "execution", success: true, ...fields });
  }

  recordEvent(agent_id, fields = {}) {
    return this.request("POST", "/api/v1/events/ingest", {
      agent_id,
      operation_type: "tool_use",
      operation_detail: "Write",
      target_resource: "src/main.rs",
      target_type: "file",
      rbac_decision: "allowed",
      ...fields,
    });
  }

  // Asks whether an agent may do something, as its hook does; what is not given needs a person's approval.
  decide(agent, fields = {}) {
    return this.request("POST", "/api/v1/policy/decide", {
      agent, tool: "Bash", command: "git push origin main", session_id: "s-1", ...fields,
    });
  }

  // Many at once; throws when the server refuses one of them.
  recordMetrics(records) {
    return this.#batch("/api/v1/metrics/batch", records);
  }

  recordEvents(records) {
    return this.#batch("/api/v1/events/ingest/batch", records);
  }

  async #batch(path, records) {
    const answer = await this.request("POST", path, records);
    if (answer.rejected.length > 0) throw new Error(`${path} refuses ${JSON.stringify(answer.rejected)}`);
    return answer;
  }
}
