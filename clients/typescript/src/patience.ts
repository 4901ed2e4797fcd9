/** How long to wait before the next try, and how to stop waiting. Times are in milliseconds. */

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;
/** A timer that is set to more goes off at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** A server that asks for more than this is believed, but not waited for in silence. */
export const LONGEST_RETRY_AFTER = 60_000;

/** Return the milliseconds that a `Retry-After` asks for, as seconds or as a date; undefined without one. */
export function retryAfter(headers: Headers, now = Date.now()): number | undefined {
  const value = headers.get("Retry-After")?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - now);
}

/**
 * Return how long to wait before try number `attempt` + 1.
 *
 * The pause doubles, and a random half of it is left out, so that clients that failed together don't come back
 * together. It is never shorter than the server asked for.
 */
export function pause(attempt: number, asked = 0): number {
  const doubled = Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE);
  return asked + doubled * (0.5 + Math.random() / 2);
}

/** Wait. Throws the signal's reason as soon as it is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, Math.min(milliseconds, LONGEST_TIMER));
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** A signal that ends when the caller's does, or when it has not been restarted for some time. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #stop = () => this.#controller.abort(this.#outer?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether it was the time that ended it. */
  hasPassed = false;

  constructor(milliseconds: number, outer?: AbortSignal) {
    this.#outer = outer;
    if (outer?.aborted) this.#stop();
    else outer?.addEventListener("abort", this.#stop, { once: true });
    this.restart(milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (!Number.isFinite(milliseconds)) return; // it never passes
    this.#timer = setTimeout(() => {
      this.hasPassed = true;
      this.#controller.abort(new DOMException("No answer in time.", "TimeoutError"));
    }, Math.min(milliseconds, LONGEST_TIMER));
  }

  /** Let the time be; the caller's signal still ends it. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  /** Let go of timer and caller's signal: to be called when what it bounds has ended. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#stop);
  }
}
