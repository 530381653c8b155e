// CSV (RFC 4180) of what is shown, as a download.

// Spreadsheets run what begins like a formula, in full width too: such text gets an apostrophe in front (OWASP, CSV
// Injection).
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
// Semicolons and tabs part cells where a spreadsheet's language or its user says so.
const QUOTED = /[",;\t\r\n]/;

function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Lines of cells as one text.
export const csv = (lines) => lines.map((line) => line.map(cell).join(",") + "\r\n").join("");

// Offers a text as a file.
export function download(name, text, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
