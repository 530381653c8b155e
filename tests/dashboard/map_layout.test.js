// The geometry of the fleet map, without a browser.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

const FOLDER = "../../assets/dashboard/pages/map";
const { enclose } = await import(`${FOLDER}/enclose.js`);
const { pack } = await import(`${FOLDER}/pack.js`);
const { layoutOf } = await import(`${FOLDER}/layout.js`);
const { fitting, moved, toMap, toWindow, zoomed } = await import(`${FOLDER}/camera.js`);
const { clipped, withoutOverlap, wrapped } = await import(`${FOLDER}/labels.js`);

const NEAR = 1e-4;

// The same numbers each time (Lehmer's generator).
function numbers(seed) {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

const circles = (count, seed) => {
  const next = numbers(seed);
  return Array.from({ length: count }, () => ({ r: 1 + 3 * next() ** 3 }));
};

// Each is compared with those that begin before it ends, from left to right.
function assertNoOverlap(placed) {
  const order = [...placed].sort((a, b) => a.x - a.r - b.x + b.r);
  order.forEach((a, index) => {
    for (let after = index + 1; after < order.length && order[after].x - order[after].r < a.x + a.r; after += 1) {
      const b = order[after];
      const apart = Math.hypot(a.x - b.x, a.y - b.y) - a.r - b.r;
      if (apart < -NEAR) assert.fail(`${JSON.stringify(a)} and ${JSON.stringify(b)} overlap by ${-apart}`);
    }
  });
}

const isInside = (outer, { x, y, r }) => Math.hypot(x - outer.x, y - outer.y) + r <= outer.r + NEAR;

function fleet(count, categories, roles, seed = 1) {
  const next = numbers(seed);
  const agents = Array.from({ length: count }, (_, index) => ({
    category: `category ${Math.floor(next() * categories)}`,
    role: `role ${Math.floor(next() * roles)}`,
    created_at: new Date(index * 1_000).toISOString(),
  }));
  return { agents, slots: Float64Array.from(agents, () => 1 + Math.floor(next() * 9) / 4) };
}

const placesOf = ({ x, y, slots }) => [...slots].map((r, index) => ({ x: x[index], y: y[index], r }));

describe("packing", () => {
  for (const count of [0, 1, 2, 3, 4, 5, 10, 100, 1_000]) {
    test(`${count} circles do not overlap`, () => {
      const all = circles(count, count + 1);
      pack(all);
      assertNoOverlap(all);
    });
  }

  test("equal circles do not overlap", () => {
    const all = Array.from({ length: 500 }, () => ({ r: 1 }));
    pack(all);
    assertNoOverlap(all);
  });

  test("sizes that differ by a thousand do not overlap", () => {
    const all = circles(300, 7).map(({ r }, index) => ({ r: index % 50 === 0 ? 1_000 * r : r }));
    pack(all);
    assertNoOverlap(all);
  });

  test("what is not on the outline lies within the circle around the outline", () => {
    const all = circles(400, 3);
    const around = enclose(pack(all));
    assert.ok(all.every((each) => isInside(around, each)));
  });

  test("a packing is tight", () => {
    const all = circles(1_000, 5);
    const around = enclose(pack(all));
    const area = all.reduce((sum, { r }) => sum + r * r, 0);
    assert.ok(area / around.r ** 2 > 0.7, `${area / around.r ** 2} of the circle is used`);
  });

  test("a wide packing is wider than high", () => {
    const all = circles(400, 3);
    pack(all, 2);
    const reach = (key) => Math.max(...all.map((each) => each[key] + each.r)) - Math.min(...all.map((each) => each[key] - each.r));
    assert.ok(reach("x") / reach("y") > 1.6);
  });
});

describe("the smallest circle around circles", () => {
  test("of none is nothing, of one is that one", () => {
    assert.equal(enclose([]).r, 0);
    assert.deepEqual(enclose([{ x: 3, y: 4, r: 5 }]), { x: 3, y: 4, r: 5 });
  });

  test("of two spans both", () => {
    const { x, y, r } = enclose([{ x: -3, y: 0, r: 1 }, { x: 3, y: 0, r: 3 }]);
    assert.ok(Math.abs(r - 5) < NEAR && Math.abs(x - 1) < NEAR && Math.abs(y) < NEAR);
  });

  test("of one within the other is the outer", () => {
    assert.equal(enclose([{ x: 0, y: 0, r: 9 }, { x: 1, y: 1, r: 2 }]).r, 9);
  });

  test("of three equal ones that touch each other is known", () => {
    const all = [{ x: -1, y: 0, r: 1 }, { x: 1, y: 0, r: 1 }, { x: 0, y: Math.sqrt(3), r: 1 }];
    assert.ok(Math.abs(enclose(all).r - (1 + 2 / Math.sqrt(3))) < NEAR);
  });

  test("holds all, and no smaller one around any middle nearby does", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const next = numbers(seed);
      const all = Array.from({ length: 30 }, () => ({ x: 20 * next(), y: 20 * next(), r: 4 * next() }));
      const around = enclose(all);
      assert.ok(all.every((each) => isInside(around, each)));
      for (let turn = 0; turn < 16; turn += 1) {
        const angle = (turn / 16) * 2 * Math.PI;
        const x = around.x + 0.01 * Math.cos(angle);
        const y = around.y + 0.01 * Math.sin(angle);
        const needed = Math.max(...all.map((each) => Math.hypot(each.x - x, each.y - y) + each.r));
        assert.ok(needed > around.r - NEAR, `around ${x}, ${y} ${needed} suffices, less than ${around.r}`);
      }
    }
  });
});

describe("the layout of a fleet", () => {
  for (const [count, categories, roles] of [[1, 1, 1], [3, 1, 3], [207, 10, 8], [2_000, 40, 5], [10_000, 12, 10]]) {
    test(`of ${count} agents: nobody overlaps, and everybody is in their role, each role in its category`, () => {
      const { agents, slots } = fleet(count, categories, roles);
      const layout = layoutOf(agents, slots, 1.7);
      const places = placesOf(layout);
      assertNoOverlap(places);
      assertNoOverlap(layout.categories);
      assert.deepEqual([...layout.order].sort((a, b) => a - b), agents.map((_, index) => index));
      for (const category of layout.categories) {
        assert.ok(category.agents.every((index) => agents[index].category === category.name));
        assertNoOverlap(category.roles);
        for (const role of category.roles) {
          assert.ok(isInside(category, role));
          assert.ok(role.agents.every((index) => agents[index].role === role.name && isInside(role, places[index])));
        }
      }
    });
  }

  test("is the same each time", () => {
    const { agents, slots } = fleet(500, 10, 5);
    assert.deepEqual(layoutOf(agents, slots, 1.7), layoutOf(agents, slots, 1.7));
  });

  test("one agent more leaves most where they were", () => {
    const before = fleet(400, 8, 4);
    const kept = layoutOf(before.agents, before.slots, 1.7);
    const agents = [...before.agents, { ...before.agents[0], created_at: "2026-01-01T00:00:00Z" }];
    const after = layoutOf(agents, Float64Array.from([...before.slots, 1]), 1.7);
    const same = before.agents.filter((_, index) => Math.hypot(kept.x[index] - after.x[index], kept.y[index] - after.y[index]) < NEAR);
    assert.ok(same.length > 0.8 * before.agents.length, `${same.length} of ${before.agents.length} stayed`);
  });

  test("fills a wide window better than a circle would", () => {
    const { agents, slots } = fleet(207, 10, 8);
    const { left, right, top, bottom } = layoutOf(agents, slots, 1.7).box;
    const ratio = (right - left) / (bottom - top);
    assert.ok(ratio > 1.3 && ratio < 2.2, `it is ${ratio} times wider than high`);
  });

  test("ten times the agents take hardly more than ten times as many comparisons", () => {
    // By the clock this failed where the machine did something else.
    const compared = (count) => {
      const { agents, slots } = fleet(count, 12, 10);
      const { hypot } = Math;
      let calls = 0;
      Math.hypot = (...sides) => {
        calls += 1;
        return hypot(...sides);
      };
      try {
        layoutOf(agents, slots, 1.7);
      } finally {
        Math.hypot = hypot;
      }
      return calls;
    };
    const few = compared(1_000);
    assert.ok(few > 1_000, `${few} comparisons`);
    const ratio = compared(10_000) / few;
    assert.ok(ratio < 30, `${ratio} times as many`); // a hundred times, if each were compared with each
  });
});

describe("the camera", () => {
  const box = { left: -10, right: 30, top: -20, bottom: 0 };
  const size = { width: 800, height: 500 };

  test("shows all of a box", () => {
    const camera = fitting(box, size);
    for (const [x, y] of [[-10, -20], [30, 0]]) {
      const place = toWindow(camera, size, { x, y });
      assert.ok(place.x >= 0 && place.x <= 800 && place.y >= 0 && place.y <= 500);
    }
  });

  test("keeps what is under the pointer there while it zooms", () => {
    const camera = fitting(box, size);
    const point = { x: 300, y: 200 };
    const before = toMap(camera, size, point);
    const after = toMap(zoomed(camera, size, point, 1.5, box), size, point);
    assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < NEAR);
  });

  test("never loses the map", () => {
    const away = moved(fitting(box, size), -100_000, 100_000, box);
    assert.deepEqual([away.x, away.y], [30, -20]);
    const near = Array.from({ length: 50 }).reduce((camera) => zoomed(camera, size, { x: 0, y: 0 }, 4, box), fitting(box, size));
    const far = Array.from({ length: 50 }).reduce((camera) => zoomed(camera, size, { x: 0, y: 0 }, 0.25, box), near);
    assert.ok(near.k < 1_000 && far.k > 0.5 * fitting(box, size).k);
  });
});

describe("labels", () => {
  test("never overlap, and the first comes first", () => {
    const next = numbers(11);
    const all = Array.from({ length: 600 }, (_, rank) => ({
      rank, x: next() * 1_000, y: next() * 600, width: 20 + next() * 120, height: 13,
    }));
    const shown = withoutOverlap(all);
    assert.equal(shown[0].rank, 0);
    assert.ok(shown.length > 50);
    for (const a of shown) {
      for (const b of shown) {
        const isApart = Math.abs(a.x - b.x) * 2 >= a.width + b.width || Math.abs(a.y - b.y) * 2 >= a.height + b.height;
        assert.ok(a === b || isApart, `${a.rank} and ${b.rank} overlap`);
      }
    }
    for (const each of all.filter((label) => !shown.includes(label))) {
      const isMet = shown.some((other) => other.rank < each.rank &&
        Math.abs(other.x - each.x) * 2 < other.width + each.width + 5 && Math.abs(other.y - each.y) * 2 < other.height + each.height + 5);
      assert.ok(isMet, `${each.rank} is left out without a need`);
    }
  });

  test("are cut between characters, not within one", () => {
    assert.equal(clipped("😀".repeat(10), 4), "😀😀😀…");
    assert.equal(clipped("short", 5), "short");
    assert.equal(clipped("x".repeat(4_096), 8).length, 8);
  });

  test("break into lines between words", () => {
    assert.deepEqual(wrapped("Release Train Conductor", 10, 3), ["Release", "Train", "Conductor"]);
    assert.deepEqual(wrapped("Bug Fix It", 7, 2), ["Bug Fix", "It"]);
    assert.deepEqual(wrapped("One Two Three", 5, 2), ["One", "Two…"]);
  });
});
