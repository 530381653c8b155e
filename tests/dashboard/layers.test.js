// The order of the modules: core knows no part, parts know no page, a page knows no other page.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { test } from "./testing.js";

const DASHBOARD = resolve(import.meta.dirname, "../../assets/dashboard");
const MOST_LINES = 300;

async function modules() {
  const names = (await readdir(DASHBOARD, { recursive: true })).filter((name) => name.endsWith(".js")).sort();
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(DASHBOARD, name), "utf8") })));
}

// What a module imports, as paths below the dashboard, or below / for what is vendored.
const importsOf = ({ name, text }) => [...text.matchAll(/(?:from |import\(|import )"([./][^"\s]+)"/g)]
  .map(([, path]) => (path.startsWith(".") ? join(dirname(name), path) : path));

function mayImport(name, path) {
  const [layer, page] = name.split("/");
  if (path.startsWith("/assets/vendor/")) return true;
  if (layer === "core") return path.startsWith("core/");
  if (layer === "parts") return /^(core|parts)\//.test(path);
  if (layer !== "pages") return true;
  const own = `pages/${page.replace(/\.js$/, "")}`;
  return /^(core|parts)\//.test(path) || path.startsWith(`${own}/`);
}

test("each layer imports from those below it alone", async () => {
  const all = await modules();
  assert.ok(all.length > 50, `only ${all.length} modules`);
  const wrong = all.flatMap((module) => importsOf(module)
    .filter((path) => !mayImport(module.name, path)).map((path) => `${module.name} imports ${path}`));
  assert.deepEqual(wrong, []);
  const names = new Set(all.map(({ name }) => name));
  const missing = all.flatMap((module) => importsOf(module).filter((path) => !path.startsWith("/") && !names.has(path)));
  assert.deepEqual(missing, []);
});

test("every export is used, every module is short, and none writes markup", async () => {
  const all = await modules();
  const elsewhere = (own, symbol) => all.some(({ name, text }) => name !== own && new RegExp(`\\b${symbol}\\b`).test(text));
  const unused = all.filter(({ name }) => name !== "core/view.js").flatMap(({ name, text }) =>
    [...text.matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)]
      .filter(([, symbol]) => !elsewhere(name, symbol))
      .map(([, symbol]) => `${name}: ${symbol}`));
  assert.deepEqual(unused, []);
  assert.deepEqual(all.filter(({ text }) => text.split("\n").length > MOST_LINES).map(({ name }) => name), []);
  const markup = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/;
  assert.deepEqual(all.filter(({ text }) => markup.test(text)).map(({ name }) => name), []);
});
