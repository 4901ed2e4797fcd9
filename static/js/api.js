// The public API, as any client uses it: same-origin requests with the session's cookie.

import * as connection from "./connection.js";

const PATIENCE = 30_000; // milliseconds for one answer
const UPLOAD_PATIENCE = 600_000; // a picture of 20 MB over a slow line
const TRIES = 6;
const AGAIN_SECONDS = 5;
const REQUEST_TIMEOUT = 408;
const PASSING = new Set([502, 503, 504]);
const PASSING_CODES = new Set(["rate_limited", "idempotency_in_progress"]);

// The server's no, in its own words.
export class Problem extends Error {
  constructor(body, response) {
    super(body.error ?? `The server answered ${response.status}. Please try again.`);
    this.status = response.status;
    this.code = body.error_code ?? "";
    this.body = body;
    this.retryAfter = seconds(response);
  }

  get isPassing() {
    return PASSING.has(this.status) || PASSING_CODES.has(this.code);
  }

  // Whether the server may have done what was asked for: it gave up half-way, or something before it did.
  get isUnclear() {
    return this.isPassing || this.status >= 500 || this.status === REQUEST_TIMEOUT;
  }
}

// No answer came: whether the request arrived is not known.
export class Unreachable extends Error {
  constructor() {
    super("The server can't be reached. Check your connection and try again.");
    this.isPassing = this.isUnclear = true;
    this.retryAfter = 0;
  }
}

function seconds(response) {
  return Number(response.headers.get("Retry-After")) || 5;
}

export async function call(path, { patience = PATIENCE, headers = {}, ...options } = {}) {
  const signal = AbortSignal.timeout(patience);
  let response;
  let body;
  try {
    response = await fetch(path, { signal, headers: { Accept: "application/json", ...headers }, ...options });
    body = await read(response);
  } catch {
    connection.lost();
    throw new Unreachable();
  }
  connection.found();
  if (response.status === 401) return signIn();
  if (!response.ok) throw new Problem(body, response);
  return { body, status: response.status, retryAfter: seconds(response) };
}

// Get what the page can't do without: asked for again until there is an answer.
export async function insist(path) {
  for (;;) {
    try {
      return (await call(path)).body;
    } catch (problem) {
      if (!problem.isPassing) throw problem;
      await connection.pause(problem.retryAfter || AGAIN_SECONDS);
    }
  }
}

// What is no JSON comes from something before the server; with a 200, from a sign-in page of some network.
async function read(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (response.ok) throw error;
    return {};
  }
}

// The session has ended. What was typed is kept, and nothing more happens on this page.
function signIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  return new Promise(() => {});
}

export function send(method, path, content) {
  const headers = { "Content-Type": "application/json" };
  return call(path, { method, headers, body: content && JSON.stringify(content) });
}

// Order a video. The same key makes no second job, so that whatever has no clear answer can be asked again.
export async function submit({ path, fields, picture }, key, onTrouble) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(path, request(fields, picture, key));
    } catch (problem) {
      if (!problem.isPassing || attempt === TRIES) throw problem;
      onTrouble(problem);
      await connection.pause(problem.retryAfter || Math.min(2 ** attempt, 20));
    }
  }
}

function request(fields, picture, key) {
  const headers = { "Idempotency-Key": key };
  if (!picture) {
    headers["Content-Type"] = "application/json";
    return { method: "POST", headers, body: JSON.stringify(fields) };
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("image", picture, picture.name || "picture");
  return { method: "POST", headers, body: form, patience: UPLOAD_PATIENCE };
}
