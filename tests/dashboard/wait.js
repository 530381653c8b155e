// Waiting for what is to come, by watching for it.

import assert from "node:assert/strict";

export const PATIENCE_MS = 30_000; // how long anything may take on a busy machine before a test gives up
const MEASURE_MS = 50; // many turns of a processor that is shared

// Waits until nothing on the page loads or moves any more.
export async function settled(page) {
  await page.waitForLoadState("load");
  await page.locator('[aria-busy="true"]').first().waitFor({ state: "detached" });
  // Unlike `evaluate` it gives up some time: a page that is stuck paints nothing.
  await page.waitForFunction(async () => {
    await document.fonts.ready;
    const endless = (animation) => animation.effect?.getComputedTiming().endTime === Infinity;
    await Promise.allSettled(document.getAnimations().filter((a) => !endless(a)).map((a) => a.finished));
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    return true;
  });
}

// Begins to look for the moment when what `selector` says is gone. Returns how to wait for the element that has the
// focus in that moment: a key that is pressed before the next frame is for it.
export async function focusAfter(page, selector) {
  await page.evaluate((gone) => {
    globalThis.focusedAfter = null;
    new MutationObserver((_, observer) => {
      if (document.querySelector(gone)) return;
      globalThis.focusedAfter = document.activeElement;
      observer.disconnect();
    }).observe(document.body, { childList: true, subtree: true });
  }, selector);
  return async () => (await page.waitForFunction(() => globalThis.focusedAfter)).asElement();
}

// Waits until the live stream of a page that is about to be opened has said something. Call it before `goto`.
export async function streaming(page) {
  const socket = await page.waitForEvent("websocket");
  await socket.waitForEvent("framereceived");
}

// How many milliseconds pass from the start of `act` until a frame of the page shows `text` within `selector`.
export async function delayUntilShown(page, selector, text, act) {
  const shown = page.waitForFunction(([where, what]) => {
    const found = [...document.querySelectorAll(where)].some((element) => element.textContent.includes(what));
    return found && Date.now();
  }, [selector, text]);
  const start = Date.now();
  const [seen] = await Promise.all([shown, act()]);
  return (await seen.jsonValue()) - start;
}

// That something is shown within 200 ms, in one of a few attempts: a machine that is busy with other things delays some
// of them, a page that polls or waits delays all. `attempt` gets its number and answers the delay in ms.
export async function assertPrompt(attempt, { attempts = 5, most = 200 } = {}) {
  const delays = [];
  for (let number = 0; number < attempts; number += 1) {
    const delay = await attempt(number);
    const limit = most * contention();
    if (delay < limit) return;
    delays.push(`${delay} of at most ${Math.round(limit)}`);
  }
  assert.fail(`it took ${delays.join(", ")} ms`);
}

// How many times longer work takes than its processor time: once, or more often where others want the processors, too.
function contention() {
  const [start, used] = [performance.now(), process.cpuUsage()];
  while (performance.now() - start < MEASURE_MS);
  const { user, system } = process.cpuUsage(used);
  return Math.max(1, (performance.now() - start) * 1_000 / (user + system));
}
