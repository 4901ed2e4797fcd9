// How jobs stand, as it changes: by Server-Sent Events while they work, else by asking when `Retry-After` says.

import { call } from "./api.js";
import * as connection from "./connection.js";

const EVENTS = "/videos/jobs/events";
const FINISHED = new Set(["completed", "failed", "cancelled"]);
const TRUST_SECONDS = 20; // an open stream that says nothing of a job for this long is checked by a poll
const AGAIN_SECONDS = 5;
const [FIRST_REST, LONGEST_REST] = [30_000, 300_000]; // milliseconds before a refused stream is asked for again

const watched = new Map(); // job id -> { timer, heardAt, updatedAt }
const ended = new Set(); // what has ended is told once, though a stream that is resumed repeats it
let listener = { status() {}, gone() {}, stranger() {} };
let stream = null;
let lastEventId = "";
let rest = FIRST_REST;
let restTimer = 0;

// `status` is told each news of a watched job, `gone` that there is no such job any more, and `stranger` the
// status of a job that is not watched: one made elsewhere.
export function start(told) {
  listener = told;
  connection.onReturn(askAll);
  document.addEventListener("visibilitychange", () => {
    // A browser has six connections for all its tabs: a hidden one holds none, and polls.
    if (document.hidden) close();
    else tune();
    askAll();
  });
}

// Of a job that has ended the end is told again: who asks has not heard it, or has forgotten it.
export function watch(jobId) {
  if (watched.has(jobId)) return;
  ended.delete(jobId);
  watched.set(jobId, { timer: 0, heardAt: 0, updatedAt: "" });
  tune();
  askIn(jobId, isStreaming() ? 1 : 0);
}

// Ask now, whatever is due later: something was done to the job.
export function ask(jobId) {
  if (watched.has(jobId)) askIn(jobId, 0);
}

function forget(jobId) {
  clearTimeout(watched.get(jobId)?.timer);
  watched.delete(jobId);
  if (!watched.size) close();
}

function receive(body) {
  if (ended.has(body.job_id)) return;
  const job = watched.get(body.job_id);
  if (FINISHED.has(body.status)) ended.add(body.job_id);
  if (!job) return listener.stranger(body);
  job.heardAt = Date.now();
  if (body.updated_at < job.updatedAt) return; // overtaken on its way by a later one
  job.updatedAt = body.updated_at;
  if (FINISHED.has(body.status)) forget(body.job_id);
  listener.status(body);
}

// --- polling --------------------------------------------------------------------------------------------

function askIn(jobId, seconds) {
  const job = watched.get(jobId);
  clearTimeout(job.timer);
  job.timer = setTimeout(() => poll(jobId, job), seconds * 1000);
}

function askAll() {
  for (const jobId of watched.keys()) askIn(jobId, 0);
}

async function poll(jobId, job) {
  const quiet = (Date.now() - job.heardAt) / 1000;
  if (isStreaming() && quiet < TRUST_SECONDS) return askIn(jobId, TRUST_SECONDS - quiet);
  let wait = AGAIN_SECONDS;
  try {
    const { body, retryAfter } = await call(`/videos/jobs/${jobId}/status`);
    wait = retryAfter;
    receive(body);
  } catch (problem) {
    wait = problem.retryAfter || wait;
    if (problem.status === 404) {
      forget(jobId);
      listener.gone(jobId);
    }
  }
  if (watched.get(jobId) === job) askIn(jobId, isStreaming() ? TRUST_SECONDS : wait);
}

// --- the stream -----------------------------------------------------------------------------------------

function isStreaming() {
  return stream?.readyState === EventSource.OPEN;
}

// Have the stream open exactly while there is something to hear and somebody to see it.
function tune() {
  if (stream || restTimer || document.hidden || !watched.size) return;
  stream = new EventSource(
    lastEventId ? `${EVENTS}?last_event_id=${encodeURIComponent(lastEventId)}` : EVENTS,
  );
  stream.addEventListener("open", () => (rest = FIRST_REST));
  stream.addEventListener("job", (event) => {
    lastEventId = event.lastEventId;
    receive(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) refused(); // else the browser tries again by itself
    askAll();
  });
}

// There is no stream here, or something between lets none through: polling goes on without it.
function refused() {
  close();
  restTimer = setTimeout(() => {
    restTimer = 0;
    tune();
  }, rest);
  rest = Math.min(rest * 2, LONGEST_REST);
}

function close() {
  stream?.close();
  stream = null;
}
