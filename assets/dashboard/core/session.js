// Whose session this browser holds, where the reader logged in.

import { signal } from "./view.js";
import { request } from "./api.js";

const SESSION = "/api/v1/session";

// `{name, role}`, or null where there is no session that could be ended.
export const session = signal(null);

export async function start() {
  try {
    const { body } = await request(SESSION);
    session.value = body.session ? body : null;
  } catch {
    // Whoever is asked for a token comes by the login page, which tells more.
  }
}

// Ends the session. The page that follows says who is logged in, also where that could not be ended.
export async function logOut() {
  await request(SESSION, { method: "DELETE" }).catch(() => null);
  location.assign("/login");
}
