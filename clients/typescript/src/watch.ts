/** Follows a job: by Server-Sent Events where they are to be had, else by asking again and again. */

import { ApiError, VideoApiError } from "./errors.js";
import { EventParser } from "./events.js";
import { Deadline, pause, retryAfter, sleep } from "./patience.js";
import { arrived, parsed, passes, refusal, type Transport } from "./transport.js";
import type { JobStatus } from "./types.js";

const FINAL = new Set<JobStatus["status"]>(["completed", "failed", "cancelled"]);
const POLL = 5_000;
const SHORTEST_POLL = 1_000;
const RECONNECT = 2_000;
/** A stream begins with where the job stands. One that does not is kept back by something on the way. */
const FIRST_WORD = 10_000;
/** It says something every 15 seconds, if only that it is alive. */
const SILENCE = 45_000;
const BROKEN_STREAMS = 3;

/** Tell whether a job has ended. */
export function isFinal(job: JobStatus): boolean {
  return FINAL.has(job.status);
}

/** Yield where a job stands, whenever that changes; the last one is final. Throws ApiError, NetworkError. */
export async function* updates(transport: Transport, jobId: string, signal?: AbortSignal): AsyncGenerator<JobStatus> {
  if (transport.streams <= 0) return yield* polled(transport, jobId, 0, signal);
  transport.streams--;
  try {
    for await (const job of streamed(transport, jobId, signal)) {
      yield job;
      if (isFinal(job)) return;
    }
    yield* polled(transport, jobId, transport.heldSeconds, signal);
  } finally {
    transport.streams++;
  }
}

/** What is kept from one stream of a job to the next. */
interface Thread {
  lastEventId: string;
  reconnect: number;
  hasSpoken: boolean;
}

/** Yield what streams say, one after the other, for as long as they work; return when they don't. */
async function* streamed(transport: Transport, jobId: string, signal?: AbortSignal): AsyncGenerator<JobStatus> {
  const thread: Thread = { lastEventId: "", reconnect: RECONNECT, hasSpoken: false };
  for (let broken = 0; broken < BROKEN_STREAMS; ) {
    thread.hasSpoken = false;
    try {
      if (!(yield* oneStream(transport, jobId, thread, signal))) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof VideoApiError && !passes(error)) throw error;
    }
    broken = thread.hasSpoken ? 0 : broken + 1;
    if (broken < BROKEN_STREAMS) await sleep(thread.reconnect * (0.5 + Math.random()) + pause(broken), signal);
  }
}

/** Yield what one stream says. Return whether another one is worth trying. */
async function* oneStream(
  transport: Transport,
  jobId: string,
  thread: Thread,
  signal?: AbortSignal,
): AsyncGenerator<JobStatus, boolean> {
  const deadline = new Deadline(FIRST_WORD, signal);
  try {
    const response = await transport.open(`/videos/jobs/${encodeURIComponent(jobId)}/events`, {
      headers: { Accept: "text/event-stream", ...(thread.lastEventId && { "Last-Event-ID": thread.lastEventId }) },
      signal: deadline.signal,
    });
    if (!isStream(response)) return await isBusy(response);
    for await (const job of jobs(response, thread, () => deadline.restart(SILENCE))) {
      if (job.job_id === jobId) yield job;
    }
    return true;
  } catch (error) {
    if (error instanceof VideoApiError || !deadline.hasPassed || thread.hasSpoken) throw error;
    return false; // not a word: something on the way keeps streams back until they end
  } finally {
    deadline.clear();
  }
}

function isStream(response: Response): boolean {
  return response.status === 200 && (response.headers.get("Content-Type") ?? "").startsWith("text/event-stream");
}

/** Tell whether an answer that is no stream passes by itself. It has none where it is not known, or all is told. */
async function isBusy(response: Response): Promise<boolean> {
  const answer = await arrived(response);
  return !response.ok && passes(refusal(answer));
}

async function* jobs(response: Response, thread: Thread, onWord: () => void): AsyncGenerator<JobStatus> {
  const parser = new EventParser();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onWord();
      for (const event of parser.push(value)) {
        if (event.event !== "job") continue;
        const job = JSON.parse(event.data) as JobStatus;
        thread.lastEventId = event.id;
        thread.hasSpoken = true;
        yield job;
      }
      thread.reconnect = parser.retry ?? thread.reconnect;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may have broken already
  }
}

/**
 * Yield what the job's status says, when it has changed.
 *
 * The server may hold each answer back for `held` seconds, until there is news. An outage is endured for the client's `patience`.
 */
async function* polled(
  transport: Transport,
  jobId: string,
  held: number,
  signal?: AbortSignal,
): AsyncGenerator<JobStatus> {
  const query = held ? { wait: held } : undefined;
  const path = `/videos/jobs/${encodeURIComponent(jobId)}/status`;
  let tag: string | null = null;
  let lastAnswer = Date.now();
  for (let failures = 0; ; ) {
    const asked = Date.now();
    try {
      const headers: Record<string, string> = tag ? { "If-None-Match": tag } : {};
      const answer = await transport.send(path, { query, headers, signal, retries: 0 });
      failures = 0;
      lastAnswer = Date.now();
      if (answer.status !== 304) {
        const job = parsed<JobStatus>(answer);
        tag = answer.headers.get("ETag");
        yield job;
        if (isFinal(job)) return;
      }
      // A server that held the answer back has waited for us.
      const rest = Math.max(retryAfter(answer.headers) ?? POLL, SHORTEST_POLL) - (Date.now() - asked);
      await sleep(Math.max(0, rest) * (1 + Math.random() / 10), signal);
    } catch (error) {
      if (!endures(error) || Date.now() - lastAnswer > transport.patience) throw error;
      await sleep(pause(failures++, 1000 * ((error instanceof ApiError ? error.retryAfter : 0) ?? 0)), signal);
    }
  }
}

function endures(error: unknown): boolean {
  return error instanceof VideoApiError && passes(error);
}
