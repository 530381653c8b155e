// The layout of a large fleet, beside the page's own thread.

import { layoutOf } from "./layout.js";

addEventListener("message", ({ data: { agents, slots, aspect } }) => postMessage(layoutOf(agents, slots, aspect)));
