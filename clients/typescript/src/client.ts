/** Where everything begins: one client for one caller of one installation. */

import { Job } from "./job.js";
import { List } from "./lists.js";
import { Transport, type ClientOptions } from "./transport.js";
import type {
  ActiveJob,
  Balance,
  CallOptions,
  JobQuery,
  ListedJob,
  Model,
  Quote,
  QuoteQuery,
  Statistics,
  Transaction,
  TransactionQuery,
} from "./types.js";
import { Videos } from "./videos.js";

export class VideoClient {
  readonly videos: Videos;
  readonly jobs: Jobs;
  readonly dust: Dust;
  readonly #transport: Transport;

  constructor(options: ClientOptions = {}) {
    this.#transport = new Transport(options);
    this.videos = new Videos(this.#transport);
    this.jobs = new Jobs(this.#transport);
    this.dust = new Dust(this.#transport);
  }

  /** Return what can be asked for, with prices. */
  models({ signal }: CallOptions = {}): Promise<Model[]> {
    return this.#transport.json("/videos/models", { signal });
  }

  /** Return what a submit would cost and take now. */
  quote(query: QuoteQuery = {}, { signal }: CallOptions = {}): Promise<Quote> {
    return this.#transport.json("/videos/quote", { query, signal });
  }

  /** Return how the installation is doing. */
  statistics({ signal }: CallOptions = {}): Promise<Statistics> {
    return this.#transport.json("/videos/stats", { signal });
  }
}

export class Jobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Return a handle of a job that was submitted before. Nothing is asked yet. */
  get(id: string): Job {
    return new Job(this.#transport, id);
  }

  /** Return the unfinished jobs, oldest first. */
  async active({ signal }: CallOptions = {}): Promise<ActiveJob[]> {
    return (await this.#transport.json<{ active_jobs: ActiveJob[] }>("/videos/jobs/active", { signal })).active_jobs;
  }

  /** All jobs, newest first. */
  list(query: JobQuery = {}, options: CallOptions = {}): List<ListedJob> {
    return new List(this.#transport, "/videos/jobs", "jobs", (job: ListedJob) => job.job_id, query, options);
  }
}

export class Dust {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Return what the caller owns, and can spend. */
  balance({ signal }: CallOptions = {}): Promise<Balance> {
    return this.#transport.json("/dust/balance", { signal });
  }

  /** What moved the caller's DUST, newest first. */
  transactions(query: TransactionQuery = {}, options: CallOptions = {}): List<Transaction> {
    const identity = (row: Transaction) => row.id;
    return new List(this.#transport, "/dust/transactions", "transactions", identity, query, options);
  }
}
