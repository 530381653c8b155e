// Starts Swagger UI on /openapi.json. Served from this host only: nothing here asks another one.
"use strict";

// Swagger UI has a dark theme, but only its own top bar, which is not shipped, would switch it.
const dark = matchMedia("(prefers-color-scheme: dark)");
const applyTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyTheme);
applyTheme();

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  // The validator badge would send the document's address to validator.swagger.io.
  validatorUrl: null,
});
