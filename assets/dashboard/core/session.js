// Whose session this browser holds, where the reader logged in.

import { computed, signal } from "./view.js";
import { leave, request } from "./api.js";

const SESSION = "/api/v1/session";
const OPERATORS = ["operator", "admin"];

// `{name, role}`, or null where there is no session that could be ended.
export const session = signal(null);

// Whether the reader may act, and not only look. As long as it is not known the server is the one to say so.
const role = signal(null);
export const mayAct = computed(() => role.value === null || OPERATORS.includes(role.value));

export async function start() {
  try {
    const { body } = await request(SESSION);
    session.value = body.session ? body : null;
    role.value = body.role;
  } catch {
    // Whoever is asked for a token comes by the login page, which tells more.
  }
}

// Ends the session. The page that follows says who is logged in, also where that could not be ended.
export async function logOut() {
  leave();
  await request(SESSION, { method: "DELETE" }).catch(() => null);
  location.assign("/login");
}
