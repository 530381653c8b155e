// What a page shows, as text.

// A key figure with what stands beside it, by its label.
export const figure = (page, label) =>
  page.locator(".figure", { has: page.locator(".label", { hasText: label }) }).innerText();

// The cells of a virtual table's rows.
export async function rows(page) {
  const texts = await page.locator("[role=grid] .grid-body [role=row]").allInnerTexts();
  return texts.map((text) => text.split(/\s*\n\s*/));
}

// The first cell of each of these rows.
export const names = async (page) => (await rows(page)).map(([name]) => name);
