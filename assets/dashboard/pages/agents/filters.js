// Which agents are wanted, and how many there are of each kind.

// By the parameter in the address: what people call the filter, and the values that an agent has of it.
const KINDS = {
  status: { label: "Status", of: ({ status }) => [status] },
  role: { label: "Role", of: ({ role }) => [role] },
  category: { label: "Category", of: ({ category }) => [category] },
  specialist: { label: "Specialist", of: ({ specialist }) => [specialist ? "yes" : "no"] },
  tag: { label: "Tag", of: ({ tags }) => tags },
};

export const NAMES = { q: "Search", ...Object.fromEntries(Object.entries(KINDS).map(([name, { label }]) => [name, label])) };

// Every word must occur somewhere in what names the agent.
function searching(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  return ({ name, display_name, role, category, tags }) => {
    const hay = `${name}\n${display_name}\n${role}\n${category}\n${tags.join("\n")}`.toLowerCase();
    return wanted.every((word) => hay.includes(word));
  };
}

const testOf = (name, value) => (name === "q" ? searching(value) : (agent) => KINDS[name].of(agent).includes(value));

// `wanted` maps parameters to values. In one pass: `found`, the agents that match all of them; by parameter, `alone`, how
// many match this one, and `without`, how many would match if it were dropped; `options`, by parameter, the values to
// choose from, each with how many there would be: `[{value, label, count}]`.
export function match(agents, wanted) {
  const tests = Object.entries(wanted).map(([name, value]) => [name, testOf(name, value)]);
  const found = [];
  const alone = Object.fromEntries(tests.map(([name]) => [name, 0]));
  const only = { ...alone }; // how many fail this test and no other
  const counts = Object.keys(KINDS).map((name) => [name, new Map()]);
  for (const agent of agents) {
    let failures = 0;
    let failed = null;
    for (const [name, test] of tests) {
      if (test(agent)) {
        alone[name] += 1;
      } else {
        failures += 1;
        failed = name;
      }
    }
    if (failures === 0) found.push(agent);
    if (failures === 1) only[failed] += 1;
    if (failures > 1) continue;
    for (const [name, byValue] of counts) {
      if (failures === 1 && failed !== name) continue;
      for (const value of KINDS[name].of(agent)) byValue.set(value, (byValue.get(value) ?? 0) + 1);
    }
  }
  const without = Object.fromEntries(Object.entries(only).map(([name, number]) => [name, found.length + number]));
  const options = Object.fromEntries(counts.map(([name, byValue]) => [name, optionsOf(name, byValue)]));
  return { found, alone, without, options };
}

function optionsOf(name, byValue) {
  const labelOf = (value) => (name !== "specialist" ? value : value === "yes" ? "specialists" : "no specialists");
  const options = [...byValue].map(([value, count]) => ({ value, label: labelOf(value), count }));
  const byName = (a, b) => (a.value < b.value ? -1 : 1);
  // Tags are free words: the common ones first.
  return options.sort(name === "tag" ? (a, b) => b.count - a.count || byName(a, b) : byName);
}
