// The theme's colours as a canvas takes them. Reading them subscribes to the theme.

import { color } from "../../core/theme.js";

const TOKENS = ["bg", "surface", "raised", "line", "text", "muted", "accent", "ok", "warn", "bad", "idle"];

export const canvasColors = () => Object.fromEntries(TOKENS.map((token) => [token, color(`--${token}`)]));
