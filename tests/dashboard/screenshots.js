// Pictures of the dashboard's pages, of `agentmap demo`: every page, or those named.

import { copyFile, mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { Api } from "./api.js";
import { launchBrowser, newPage } from "./browser.js";
import { PAGES, pathOf } from "./pages.js";
import { startServer } from "./server.js";
import { settled } from "./wait.js";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = resolve(ROOT, "target/screenshots");

const THEMES = ["light", "dark"];
const VIEWPORTS = [{ width: 1440, height: 900 }, { width: 390, height: 844 }];
const IN_README = { "overview-light-1440": "screenshot.png", "map-dark-1440": "screenshot-dark.png" };

async function picture(page, api, shown, file) {
  const url = await pathOf(shown, api);
  const [response] = await Promise.all([page.goto(url), shown.action?.(page)]);
  if (!response.ok()) throw new Error(`${url} answers ${response.status()}`);
  await settled(page);
  await page.screenshot({ path: file });
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PAGES.some((page) => page.name === name));
if (unknown.length > 0) throw new Error(`no such page: ${unknown}; there are ${PAGES.map(({ name }) => name)}`);

await mkdir(FOLDER, { recursive: true });
const server = await startServer("demo");
const browser = await launchBrowser();
try {
  const api = new Api(server);
  for (const shown of PAGES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    for (const colorScheme of THEMES) {
      for (const viewport of VIEWPORTS) {
        const name = `${shown.name}-${colorScheme}-${viewport.width}`;
        const file = resolve(FOLDER, `${name}.png`);
        const page = await newPage(browser, server, { colorScheme, viewport });
        await picture(page, api, shown, file);
        await page.context().close();
        if (IN_README[name]) await copyFile(file, resolve(ROOT, "assets", IN_README[name]));
        console.log(name);
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
