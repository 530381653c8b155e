// Starts ReDoc on /openapi.json. Served from this host only: nothing here asks another one.
"use strict";

const systemFonts = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const monospaceFonts = "ui-monospace, Menlo, Consolas, monospace";

Redoc.init(
  "/openapi.json",
  {
    nativeScrollbars: true,
    expandResponses: "200,201",
    // ReDoc's own default names web fonts; these are on every machine.
    theme: {
      typography: {
        fontFamily: systemFonts,
        headings: { fontFamily: systemFonts },
        code: { fontFamily: monospaceFonts },
      },
    },
  },
  document.getElementById("api"),
);
