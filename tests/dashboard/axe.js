// What axe-core finds on a page, in both colour schemes.

import assert from "node:assert/strict";
import axe from "axe-core";
import { settled } from "./wait.js";

// The source is evaluated through the browser's debugger, to which the page's Content-Security-Policy does not apply:
// it stays in force for the page.
export async function assertAccessible(page) {
  await page.evaluate(axe.source);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await settled(page);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary}`));
    assert.deepEqual(found, [], `axe-core finds violations on ${page.url()} in ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: null });
}
