// Requests to the server that this page came from.

const TIMEOUT_MS = 15_000;

// What went wrong with a request, in words: `status` (0 without an answer), `requestId` to find it in the server's
// log, `fields` as a map from the member of the body to its problem (RFC 9457, 422).
class ApiError extends Error {
  constructor(message, { status = 0, requestId = null, errors = [] } = {}) {
    super(message);
    this.status = status;
    this.requestId = requestId;
    this.fields = fieldsOf(errors);
  }
}

// `loc` is where the problem lies: `["body", member]`, with the place in a list after it, from 0.
function fieldsOf(errors) {
  const fields = new Map();
  for (const { loc: [, member, place], msg } of errors) {
    const said = place === undefined ? msg : `item ${Number(place) + 1} ${msg}`;
    fields.set(member, fields.has(member) ? `${fields.get(member)}; ${said}` : said);
  }
  return fields;
}

// Sends a request and reads the JSON of its answer: `{body, headers}`. A body that is given is sent as JSON.
export async function request(url, { method = "GET", body, signal } = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  };
  let response, text;
  try {
    response = await fetch(url, options);
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(timeout.aborted ? "The server did not answer in time." : "The server cannot be reached.");
  }
  const answer = parsed(text);
  if (response.ok) return { body: answer, headers: response.headers };
  if (response.status === 401 && !isLeaving) logIn();
  throw new ApiError(answer?.detail ?? `The server answered ${response.status} ${response.statusText}.`, {
    status: response.status,
    requestId: response.headers.get("X-Request-Id") ?? answer?.request_id,
    errors: answer?.errors,
  });
}

let isLeaving = false;

// The reader logs out: what is refused from then on leads him nowhere else.
export function leave() {
  isLeaving = true;
}

// The server wants a token that this browser has not shown, or that has ended. The reader comes back to this page.
function logIn() {
  const here = location.pathname + location.search + location.hash;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

function parsed(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// The URL of a path with those of the parameters that have a value.
export function urlOf(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

// How many matches a list has: `{count, isExact}`; the server stops counting at some point.
export function totalOf(headers) {
  const exact = headers.get("X-Total-Count");
  return { count: Number(exact ?? headers.get("X-Total-At-Least") ?? 0), isExact: exact !== null };
}

// The address of the next page, or null. The path alone: behind a proxy the server may not know its own host.
export function nextPageOf(headers) {
  const link = /<([^>]*)>\s*;[^,]*\brel="?next\b/.exec(headers.get("Link") ?? "");
  if (!link) return null;
  const url = new URL(link[1], location.href);
  return url.pathname + url.search;
}
