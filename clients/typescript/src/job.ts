/** A job that was submitted: follow it, cancel it, fetch what it made. */

import { endOf, JobUnfinishedError, UnexpectedAnswerError, WaitTimeoutError } from "./errors.js";
import { Deadline } from "./patience.js";
import { parsed, type Transport } from "./transport.js";
import type { CallOptions, JobCancelled, JobResult, JobStatus, SubmitAccepted } from "./types.js";
import { updates } from "./watch.js";

export interface WaitOptions extends CallOptions {
  /** Called with every change of the job, the first and the last one included. */
  onProgress?: (job: JobStatus) => void;
  /** Milliseconds; then WaitTimeoutError. Without it, as long as the job takes. */
  timeout?: number;
}

export class Job {
  readonly #transport: Transport;

  constructor(
    transport: Transport,
    /** Keep it, and `client.jobs.get(id)` goes on from there after a reload. */
    readonly id: string,
    /** What the submit was answered, of a job that was submitted by this client. */
    readonly receipt?: SubmitAccepted,
  ) {
    this.#transport = transport;
  }

  /** Return where the job stands now. */
  status({ signal }: CallOptions = {}): Promise<JobStatus> {
    return this.#transport.json(`${this.#path}/status`, { signal });
  }

  /** Yield where the job stands, whenever that changes; the last one is final. */
  updates({ signal }: CallOptions = {}): AsyncGenerator<JobStatus> {
    return updates(this.#transport, this.id, signal);
  }

  /**
   * Wait for the job's end and return its result.
   *
   * Throws JobFailedError or JobCancelledError when it ends without a video, WaitTimeoutError when the time is up.
   */
  async wait({ signal, onProgress, timeout }: WaitOptions = {}): Promise<JobResult> {
    const deadline = timeout === undefined ? undefined : new Deadline(timeout, signal);
    try {
      for await (const job of updates(this.#transport, this.id, deadline?.signal ?? signal)) {
        onProgress?.(job);
        const end = endOf(job);
        if (end) throw end;
      }
      return await this.result({ signal: deadline?.signal ?? signal });
    } catch (error) {
      if (deadline?.hasPassed && error === deadline.signal.reason) throw new WaitTimeoutError(this.id);
      throw error;
    } finally {
      deadline?.clear();
    }
  }

  /**
   * Return what the job made. Its addresses are fresh: ask again when they have expired.
   *
   * Throws JobUnfinishedError, JobFailedError, JobCancelledError, ResultExpiredError or VideoDeletedError.
   */
  async result({ signal }: CallOptions = {}): Promise<JobResult> {
    const answer = await this.#transport.send(`${this.#path}/result`, { signal });
    const body = parsed<JobResult | { status: JobStatus["status"] }>(answer);
    if (answer.status === 202) throw new JobUnfinishedError(this.id, body.status);
    if (!("video" in body)) throw new UnexpectedAnswerError("The result has no video.", answer.status);
    return body;
  }

  /**
   * Cancel the job. A status that is not `cancelled` says that its provider was asked to stop: wait for how it ends.
   *
   * Throws JobNotCancellableError when it has ended, or is past the point where it could be.
   */
  cancel({ signal }: CallOptions = {}): Promise<JobCancelled | JobStatus> {
    return this.#transport.json(this.#path, { method: "DELETE", signal });
  }

  get #path(): string {
    return `/videos/jobs/${encodeURIComponent(this.id)}`;
  }
}
