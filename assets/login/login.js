// Shows a token to the server, which answers with a cookie that scripts cannot read; then back to where the reader was.

const SESSION = "/api/v1/session";
const form = document.getElementById("login");
const field = document.getElementById("token");
const problem = document.getElementById("problem");
const logout = document.getElementById("logout");

// A page of this server alone: an address that leads elsewhere is somebody's trap.
function next() {
  const url = new URL(new URLSearchParams(location.search).get("next") ?? "/dashboard/", location.origin);
  const isHere = url.origin === location.origin && url.pathname !== location.pathname;
  return isHere ? url.pathname + url.search + url.hash : "/dashboard/";
}

async function send(method, body) {
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(SESSION, { method, headers, body: body && JSON.stringify(body) });
    if (response.ok) return true;
    problem.textContent = (await response.json().catch(() => null))?.detail ?? `The server answered ${response.status}.`;
  } catch {
    problem.textContent = "The server cannot be reached.";
  }
  return false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  if (await send("POST", { token: field.value.trim() })) location.replace(next());
  else field.select();
});

logout.addEventListener("click", async () => {
  if (await send("DELETE")) location.reload();
});

const me = await fetch(SESSION).then((response) => response.json()).catch(() => null);
if (me?.role) {
  const until = me.expires_at ? `, until ${new Date(me.expires_at).toLocaleString()}` : "";
  document.getElementById("who").textContent = `You are ${me.name} (${me.role})${until}.`;
  logout.hidden = !me.required;
}
