// Waiting for what is to come, by watching for it.

import assert from "node:assert/strict";

// Waits until nothing on the page loads or moves any more.
export async function settled(page) {
  await page.waitForLoadState("load");
  await page.locator('[aria-busy="true"]').first().waitFor({ state: "detached" });
  await page.evaluate(async () => {
    await document.fonts.ready;
    const endless = (animation) => animation.effect?.getComputedTiming().endTime === Infinity;
    await Promise.allSettled(document.getAnimations().filter((a) => !endless(a)).map((a) => a.finished));
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  });
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

// That something is shown within 200 ms, in one of a few attempts: a machine that is busy with other tests delays some of
// them, a page that polls or waits delays all. `attempt` gets its number and answers the delay in ms.
export async function assertPrompt(attempt, { attempts = 5, most = 200 } = {}) {
  const delays = [];
  for (let number = 0; number < attempts; number += 1) {
    delays.push(await attempt(number));
    if (delays.at(-1) < most) return;
  }
  assert.fail(`it took ${delays.join(", ")} ms, each time over ${most} ms`);
}
