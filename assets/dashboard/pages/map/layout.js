// Where everything lies: agents packed into roles, roles into categories, categories beside each other. The same fleet
// gives the same map.

import { enclose } from "./enclose.js";
import { pack } from "./pack.js";

// In units of the smallest agent's radius.
const AGENT_GAP = 0.1;
const ROLE_RIM = 0.2;
const CATEGORY_RIM = 0.5;

const STRETCHES = [1, 0.7, 1.4, 2, 3];
const FEW = 24; // categories: of more the shape follows the aspect by itself

// The sizes of groups grow in steps, so that an agent more or less seldom moves anything outside its own group.
const STEP = 1.04;
const inSteps = (r) => STEP ** Math.ceil(Math.log(r) / Math.log(STEP) - 1e-9);

// `agents` are `{category, role, created_at}` with their radii in `slots`. Returns
// `{x, y, slots, categories, order, box}`: the places by the agents' index; categories as `{name, x, y, r, agents, roles}`
// with roles of the same kind, `agents` being indexes; `order` the agents' indexes as one walks over the map.
export function layoutOf(agents, slots, aspect = 1) {
  const [x, y] = [new Float64Array(agents.length), new Float64Array(agents.length)];
  const categories = [...grouped(agents.keys(), (index) => agents[index].category)].map(([name, members]) => {
    const roles = [...grouped(members, (index) => agents[index].role)].map(([role, own]) => roleOf(role, own, agents, slots));
    return group(name, roles.sort(bySize), CATEGORY_RIM, { roles });
  });
  packWithin(categories.sort(bySize), aspect);
  const order = [];
  for (const category of categories) {
    for (const role of category.roles) {
      role.x += category.x;
      role.y += category.y;
      for (const { index, x: dx, y: dy } of role.members) {
        x[index] = role.x + dx;
        y[index] = role.y + dy;
      }
      role.agents = role.members.map(({ index }) => index);
      delete role.members;
      order.push(...role.agents);
    }
    category.agents = category.roles.flatMap((role) => role.agents);
  }
  return { x, y, slots, categories, order, box: boxOf(categories) };
}

// Circles in a box of about the aspect that is asked for. How well a few fill it depends on which are in the middle and
// how far they are stretched: some of both are tried, and what can be shown largest is taken.
function packWithin(circles, aspect) {
  const tried = [];
  for (let first = 0; first < (circles.length <= FEW ? circles.length : 1); first += 1) {
    for (const stretch of circles.length <= FEW ? STRETCHES : [1]) tried.push({ first, stretch });
  }
  const room = ({ first, stretch }) => {
    pack([...circles.slice(first), ...circles.slice(0, first)], aspect * stretch);
    // A chain that is stretched far may fold over itself when sizes differ by magnitudes.
    if (tried.length > 1 && circles.some((a, index) => circles.slice(0, index).some((b) => doOverlap(a, b)))) return Infinity;
    const { left, top, right, bottom } = boxOf(circles);
    return Math.max((right - left) / aspect, bottom - top);
  };
  const rooms = tried.map(room);
  room(tried[rooms.indexOf(Math.min(...rooms))]);
}

const doOverlap = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) < (a.r + b.r) * (1 - 1e-6);

// The largest in the middle; of equals the oldest, so that who is new comes outside.
function roleOf(name, indexes, agents, slots) {
  const members = indexes.map((index) => ({ index, r: slots[index] + AGENT_GAP }));
  members.sort((a, b) => b.r - a.r || compare(agents[a.index].created_at, agents[b.index].created_at) || a.index - b.index);
  return group(name, members, ROLE_RIM, { members });
}

// A circle around others, which are moved so that its middle is their origin.
function group(name, parts, rim, more) {
  const { x, y, r } = enclose(pack(parts));
  for (const part of parts) {
    part.x -= x;
    part.y -= y;
  }
  return { name, x: 0, y: 0, r: inSteps(r + rim), ...more };
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const bySize = (a, b) => b.r - a.r || compare(a.name, b.name);

function grouped(indexes, keyOf) {
  const groups = new Map();
  for (const index of indexes) {
    const key = keyOf(index);
    if (groups.has(key)) groups.get(key).push(index);
    else groups.set(key, [index]);
  }
  return groups;
}

function boxOf(circles) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y, r } of circles) {
    box.left = Math.min(box.left, x - r);
    box.top = Math.min(box.top, y - r);
    box.right = Math.max(box.right, x + r);
    box.bottom = Math.max(box.bottom, y + r);
  }
  return box;
}
