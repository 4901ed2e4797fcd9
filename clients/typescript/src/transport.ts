/** One HTTP call: who is calling, how long it may take, and whether it is sent again. */

import { ApiError, errorOf, NetworkError, UnexpectedAnswerError, VideoApiError, type ProblemBody } from "./errors.js";
import { Deadline, LONGEST_RETRY_AFTER, pause, retryAfter, sleep } from "./patience.js";

export interface ClientOptions {
  /** Where the API is, such as `https://video.example.com`. In a page of the same site it may be left out. */
  baseUrl?: string;
  /** An API token or JWT, or a function that returns the current one. In a page of the same site its cookie will do. */
  token?: string | (() => string | Promise<string>);
  /** How often a call is sent again when no answer came or one that passes by itself (5). */
  retries?: number;
  /** Milliseconds that one try may take (60 000); an upload ten times as long. */
  requestTimeout?: number;
  /** Milliseconds without any answer after which `job.wait()` gives up (300 000). */
  patience?: number;
  /** How many jobs may be followed over connections that stay open (4); further ones are asked about from time to time. */
  streams?: number;
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: object | undefined;
  /** Sent as JSON, but for a form, which is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  retries?: number | undefined;
  /** Take a 404 for success when an earlier try may have done what was asked. */
  goneIsDone?: boolean;
}

/** An answer that has arrived in full. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

const PASSING_STATUS = new Set([429, 502, 503, 504]);
const PASSING_CODES = new Set(["idempotency_in_progress"]);
// A 429 too, but one that ends when a video does: what to do then is for the app to say.
const LASTING_CODES = new Set(["too_many_active_jobs"]);
const LONGEST_HELD = 20_000;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Tell whether the same call may succeed a little later. */
export function passes(error: VideoApiError): boolean {
  if (!(error instanceof ApiError)) return error instanceof NetworkError;
  if (LASTING_CODES.has(error.code)) return false;
  return PASSING_STATUS.has(error.status) || PASSING_CODES.has(error.code);
}

export class Transport {
  /** Milliseconds without any answer after which waiting is given up. */
  readonly patience: number;
  /** How many more connections may stay open: a browser has 6 to one host, for everything, where it speaks HTTP/1.1. */
  streams: number;
  /** Seconds for which the server may hold an answer back: a try must not run out of time meanwhile. */
  readonly heldSeconds: number;
  readonly #baseUrl: string;
  readonly #token: ClientOptions["token"];
  readonly #retries: number;
  readonly #requestTimeout: number;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    const here = (globalThis as { location?: { origin?: string } }).location?.origin;
    const base = options.baseUrl ?? here;
    if (!base) throw new VideoApiError("baseUrl is needed outside of a web page.");
    this.#baseUrl = base.replace(/\/+$/, "");
    this.#token = options.token;
    this.#retries = options.retries ?? 5;
    this.#requestTimeout = options.requestTimeout ?? 60_000;
    this.heldSeconds = Math.floor(Math.min(LONGEST_HELD, this.#requestTimeout / 2) / 1000);
    this.patience = options.patience ?? 300_000;
    this.streams = options.streams ?? 4;
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
  }

  /** Return the JSON of a successful answer. */
  async json<Body>(path: string, call: Call = {}): Promise<Body> {
    return parsed<Body>(await this.send(path, call));
  }

  /** Send until there is an answer to keep, 304 included. Throws ApiError for a no, NetworkError for none. */
  async send(path: string, call: Call = {}): Promise<Answer> {
    return this.#patiently<Answer>(call, async (mayBeDone) => {
      const who = await this.#credentials();
      const isUpload = call.body instanceof FormData;
      const deadline = new Deadline(this.#requestTimeout * (isUpload ? 10 : 1), call.signal);
      try {
        const response = await this.#fetchFrom(this.#baseUrl + path, call, deadline.signal, who);
        const answer = await arrived(response);
        const isDone = response.ok || response.status === 304 || (call.goneIsDone && mayBeDone && response.status === 404);
        return isDone ? answer : refusal(answer);
      } catch (error) {
        return unanswered(error, call.signal);
      } finally {
        deadline.clear();
      }
    });
  }

  /** Start to read a stream of the API's own. One try; the caller bounds it by the signal. */
  async open(path: string, call: Call & { signal: AbortSignal }): Promise<Response> {
    return this.#fetchFrom(this.#baseUrl + path, call, call.signal, await this.#credentials());
  }

  /** Start to read a file from its signed address: without token or cookie, wherever it is. */
  async file(address: string, call: Call = {}): Promise<Response> {
    return this.#patiently<Response>(call, async () => {
      const deadline = new Deadline(this.#requestTimeout, call.signal);
      try {
        const response = await this.#fetchFrom(address, call, deadline.signal, { credentials: "omit" });
        if (response.ok) {
          deadline.lift(); // the file itself may take as long as it takes
          return call.signal ? watched(response, () => deadline.clear()) : response;
        }
        const error = refusal(await arrived(response));
        deadline.clear();
        return error;
      } catch (error) {
        deadline.clear();
        return unanswered(error, call.signal);
      }
    });
  }

  async #patiently<Kept>(call: Call, tryOnce: (mayBeDone: boolean) => Promise<Kept | VideoApiError>): Promise<Kept> {
    let mayBeDone = false; // by a try whose answer was lost, or had no substance
    for (let attempt = 0; ; attempt++) {
      call.signal?.throwIfAborted();
      const outcome = await tryOnce(mayBeDone);
      if (!(outcome instanceof VideoApiError)) return outcome;
      mayBeDone ||= !(outcome instanceof ApiError) || outcome.status >= 500;
      const asked = 1000 * ((outcome instanceof ApiError ? outcome.retryAfter : 0) ?? 0);
      const isLast = attempt >= (call.retries ?? this.#retries) || asked > LONGEST_RETRY_AFTER;
      if (isLast || !passes(outcome)) throw outcome;
      await sleep(pause(attempt, asked), call.signal);
    }
  }

  async #fetchFrom(url: string, call: Call, signal: AbortSignal, who: RequestInit): Promise<Response> {
    const isForm = call.body instanceof FormData;
    const response = await this.#fetch(url + search(call.query), {
      method: call.method ?? "GET",
      headers: {
        ...(call.body === undefined || isForm ? {} : { "Content-Type": "application/json" }),
        ...call.headers,
        ...(who.headers as Record<string, string> | undefined),
      },
      body: call.body === undefined ? null : isForm ? (call.body as FormData) : JSON.stringify(call.body),
      credentials: who.credentials ?? "omit",
      redirect: "manual", // it would make a GET of a POST
      signal,
    });
    if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400 && response.status !== 304)) {
      throw new UnexpectedAnswerError("The server redirects. Is baseUrl right, https included?", response.status);
    }
    return response;
  }

  async #credentials(): Promise<RequestInit> {
    const token = typeof this.#token === "function" ? await this.#token() : this.#token;
    if (token === undefined) return { credentials: "same-origin" };
    // fetch() would name the token in its own message
    if (!VISIBLE_ASCII.test(token)) throw new VideoApiError("The token is empty, or has characters that no token has.");
    return { credentials: "omit", headers: { Authorization: `Bearer ${token}` } };
  }
}

/** Return an answer when all of it is here. */
export async function arrived(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Return an answer that tells when its body has ended, however it does. */
function watched(response: Response, onEnd: () => void): Response {
  if (!response.body) {
    onEnd();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      onEnd();
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
  const { status, statusText, headers, url } = response;
  return Object.defineProperty(new Response(body, { status, statusText, headers }), "url", { value: url });
}

/** Return the JSON of an answer. */
export function parsed<Body>(answer: Answer): Body {
  try {
    return JSON.parse(answer.text) as Body;
  } catch {
    throw new UnexpectedAnswerError("The answer is not JSON. Is baseUrl right?", answer.status);
  }
}

/** Return the error in an answer that says no, whatever wrote it. */
export function refusal(answer: Answer): ApiError {
  const wait = retryAfter(answer.headers);
  return errorOf(answer.status, problem(answer.text), wait === undefined ? undefined : wait / 1000);
}

function problem(text: string): ProblemBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as ProblemBody) : {};
  } catch {
    return {}; // a proxy's page: the status says what there is to say
  }
}

/** Return the error for a try without an answer. Throws what the caller's signal says, and errors of our own. */
function unanswered(error: unknown, signal: AbortSignal | undefined): NetworkError {
  signal?.throwIfAborted();
  if (error instanceof VideoApiError) throw error;
  return new NetworkError("No answer from the API.", { cause: error });
}

function search(query: object | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}
