/** Names for what the API sends and takes; the fields are those of its OpenAPI document (`schema.ts`). */

import type { components, operations } from "./schema.js";

type Schemas = components["schemas"];

export type ErrorCode = Schemas["ErrorCode"];
export type FailureCode = Schemas["FailureCode"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["FieldError"];

export type GenerateRequest = Schemas["GenerateRequest"];
type AnimateFields = Omit<Schemas["AnimateRequest"], "image_url">;
/** A picture to upload (JPEG, PNG, WebP or AVIF, at most 20 MB), or the address of one. */
export type AnimateRequest = AnimateFields & { image: Blob | URL | string };

export type SubmitAccepted = Schemas["SubmitAccepted"];
export type JobStatus = Schemas["JobStatusAnswer"];
export type JobResult = Schemas["JobResult"];
export type JobCancelled = Schemas["JobCancelledAnswer"];
export type ListedJob = Schemas["ListedJob"];
export type ActiveJob = Schemas["ActiveJob"];

export type Video = Schemas["Video"];
export type Pagination = Schemas["Pagination"];
export type Balance = Schemas["Balance"];
export type Transaction = Schemas["Transaction"];
export type Model = Schemas["Model"];
export type Quote = Schemas["Quote"];
export type Statistics = Schemas["Statistics"];

type Query<Operation extends keyof operations> = NonNullable<operations[Operation]["parameters"]["query"]>;
/** A list's own filters, and `limit`, how many are fetched at once. */
export type VideoQuery = Omit<Query<"listVideos">, "offset">;
export type JobQuery = Omit<Query<"listJobs">, "offset">;
export type TransactionQuery = Omit<Query<"listDustTransactions">, "offset">;
export type QuoteQuery = Query<"quoteVideo">;

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}
