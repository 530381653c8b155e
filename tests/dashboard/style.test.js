// The style's promises: contrast of the colours in both themes, and the weight of all that a page may load.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { launchBrowser } from "./browser.js";
import { after, before, test } from "./testing.js";

const ASSETS = resolve(import.meta.dirname, "../../assets");
const VENDORED = ["preact", "preact-signals", "preact-signals-core", "htm", "uplot"];
const MOST_BYTES = 300_000;

let browser;
before(async () => { browser = await launchBrowser(); });
after(() => browser?.close());

async function filesOf(folder, pattern) {
  const entries = await readdir(resolve(ASSETS, folder), { recursive: true });
  return entries.filter((name) => pattern.test(name)).map((name) => `${folder}/${name}`).sort();
}

const dashboardFiles = async () => [
  ...await filesOf("dashboard", /\.(js|css|html|svg)$/),
  ...(await Promise.all(VENDORED.map((name) => filesOf(`vendor/${name}`, /\.(js|css)$/)))).flat(),
  "icon.svg",
];

test("all assets together weigh less than 300 KB compressed", async () => {
  const files = await dashboardFiles();
  const sizes = await Promise.all(files.map(async (name) => gzipSync(await readFile(resolve(ASSETS, name))).length));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(files.length > 30 && bytes < MOST_BYTES, `${files.length} files, ${bytes} bytes`);
});

// WCAG 2.2, relative luminance and contrast ratio.
function luminance([red, green, blue]) {
  const linear = [red, green, blue].map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

for (const colorScheme of ["light", "dark"]) {
  test(`the colours have enough contrast in ${colorScheme}`, async () => {
    const context = await browser.newContext({ colorScheme });
    const page = await context.newPage();
    await page.setContent(`<style>${await readFile(resolve(ASSETS, "dashboard/style/tokens.css"), "utf8")}</style>`);
    const color = (token) => page.evaluate((name) => {
      document.body.style.color = `var(${name})`;
      return getComputedStyle(document.body).color.match(/[\d.]+/g).map(Number);
    }, token);
    const faults = [];
    const check = async (front, back, least) => {
      const ratio = contrast(await color(front), await color(back));
      if (ratio < least) faults.push(`${front} on ${back}: ${ratio.toFixed(2)}, at least ${least}`);
    };
    const states = ["--ok", "--warn", "--bad", "--info", "--idle"];
    for (const surface of ["--bg", "--surface", "--raised"]) {
      for (const text of ["--text", "--muted", "--accent", ...states]) await check(text, surface, 4.5);
      await check("--line-strong", surface, 3);
      for (let index = 1; index <= 8; index += 1) await check(`--cat-${index}`, surface, 3);
    }
    for (const state of [...states, "--accent"]) {
      await check(state, `${state}-tint`, 4.5);
      await check("--text", `${state}-tint`, 4.5);
    }
    await check("--on-accent", "--accent", 4.5);
    await context.close();
    assert.deepEqual(faults, []);
  });
}
