// What a client may write of an agent: the fields, and their texts as a form holds them.

const ROLES = [
  "admin", "analyst", "backend", "coordinator", "database", "developer", "frontend", "reviewer", "security", "tester",
];
const CATEGORIES = [
  "delivery", "foundry", "operations", "orchestration", "platforms", "quality", "research", "security", "specialists",
  "tooling",
];

const PER_LINE = "One a line.";

// `read` finds the value in an agent. An empty text of a field that `isClearable` clears it.
export const GROUPS = [
  {
    title: "Identity",
    fields: [
      { name: "name", label: "Name", kind: "text", isRequired: true, isFixed: true, read: (agent) => agent.name,
        hint: "Lower-case letters, digits and hyphens. It cannot be changed later." },
      { name: "display_name", label: "Display name", kind: "text", read: (agent) => agent.display_name },
      { name: "description", label: "Description", kind: "long", isClearable: true, read: (agent) => agent.description },
      { name: "role", label: "Role", kind: "text", isRequired: true, options: ROLES, read: (agent) => agent.role },
      { name: "role_confidence", label: "Confidence in the role", kind: "number", hint: "0 to 1.",
        read: (agent) => agent.role_confidence },
      { name: "role_reasoning", label: "Reasoning for the role", kind: "long", isClearable: true,
        read: (agent) => agent.role_reasoning },
      { name: "capabilities", label: "Capabilities", kind: "list", isRequired: true, hint: PER_LINE,
        read: (agent) => agent.capabilities },
    ],
  },
  {
    title: "Rights",
    fields: [
      { name: "rbac_allowed_tools", label: "Allowed tools", kind: "list", isRequired: true,
        hint: "One a line; * means all.", read: ({ rbac }) => rbac.allowed_tools },
      { name: "rbac_denied_tools", label: "Denied tools", kind: "list", hint: "One a line; they win over what is allowed.",
        read: ({ rbac }) => rbac.denied_tools },
      { name: "rbac_path_scopes", label: "Path scopes", kind: "list", isRequired: true,
        hint: "One glob a line, such as src/**.", read: ({ rbac }) => rbac.path_scopes },
      { name: "rbac_api_access", label: "Services", kind: "list", hint: "One a line; * means all.",
        read: ({ rbac }) => rbac.api_access },
      { name: "rbac_approval_threshold", label: "Asks above", kind: "number", hint: "The cost of one operation in USD.",
        read: ({ rbac }) => rbac.approval_threshold },
      { name: "rbac_requires_approval", label: "Every operation needs approval", kind: "flag",
        read: ({ rbac }) => rbac.requires_approval },
    ],
  },
  {
    title: "Budget",
    fields: [
      { name: "budget_max_cost_per_day", label: "Cost a day", kind: "number", isRequired: true, hint: "For each UTC day.",
        read: ({ budget }) => budget.max_cost_per_day },
      { name: "budget_currency", label: "Currency", kind: "text", hint: "Three letters, such as USD.",
        read: ({ budget }) => budget.currency },
      { name: "budget_max_tokens_per_session", label: "Tokens a session", kind: "number", isRequired: true,
        read: ({ budget }) => budget.max_tokens_per_session },
    ],
  },
  {
    title: "Metadata",
    fields: [
      { name: "metadata_category", label: "Category", kind: "text", isRequired: true, options: CATEGORIES,
        read: ({ metadata }) => metadata.category },
      { name: "metadata_version", label: "Version", kind: "text", read: ({ metadata }) => metadata.version },
      { name: "metadata_tags", label: "Tags", kind: "list", hint: PER_LINE, read: ({ metadata }) => metadata.tags },
      { name: "metadata_specialist", label: "Specialist: does one thing only", kind: "flag",
        read: ({ metadata }) => metadata.specialist },
    ],
  },
];

const FIELDS = GROUPS.flatMap(({ fields }) => fields);

export const labelOf = (name) => FIELDS.find((field) => field.name === name).label;

const written = {
  text: (value) => value ?? "",
  long: (value) => value ?? "",
  number: (value) => String(value),
  list: (items) => items.join("\n"),
  flag: (value) => value,
};

// An agent as the texts of its fields, by name.
export const textsOf = (agent) =>
  Object.fromEntries(FIELDS.map(({ name, kind, read }) => [name, written[kind](read(agent))]));

// The texts of an agent that does not exist yet.
export const blankTexts = () => Object.fromEntries(FIELDS.map(({ name, kind }) => [name, kind === "flag" ? false : ""]));

const values = {
  text: (text) => text.trim(),
  long: (text) => text.trim(),
  // What is no number goes as it was written: the server says what it takes.
  number: (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text)),
  list: (text) => text.split("\n").map((line) => line.trim()).filter(Boolean),
  flag: (isSet) => isSet,
};

// What to send of these texts: the fields named.
export function bodyOf(texts, names) {
  const chosen = FIELDS.filter(({ name }) => names.includes(name));
  return Object.fromEntries(chosen.map(({ name, kind, isClearable }) => {
    const value = values[kind](texts[name]);
    return [name, isClearable && value === "" ? null : value];
  }));
}

// The names of the fields in which two texts differ.
export const differing = (texts, others) => Object.keys(texts).filter((name) => texts[name] !== others[name]);

// The fields of a new agent that are sent: those that were filled in, and lists that are required even if empty.
export const filledIn = (texts) => FIELDS
  .filter(({ name, kind, isRequired }) => (kind === "list" && isRequired) || (texts[name] !== "" && texts[name] !== false))
  .map(({ name }) => name);
