/** What can go wrong: one class for each `error_code` of the API, and for what happens on the way to it. */

import type { ErrorCode, FailureCode, FieldError, JobStatus, Problem } from "./types.js";

/** Everything that this package throws, but for an `AbortSignal`'s own reason. */
export class VideoApiError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No answer came, in all tries. A submit may have arrived: sent again with its same key it makes no second job. */
export class NetworkError extends VideoApiError {}

/** What answered is not the API: a proxy's page, a redirect, something that is not JSON. */
export class UnexpectedAnswerError extends VideoApiError {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** `job.wait({ timeout })` ran out. The job goes on. */
export class WaitTimeoutError extends VideoApiError {
  constructor(readonly jobId: string) {
    super(`Job ${jobId} has not ended in the time given; it goes on.`);
  }
}

/** `job.result()` came too early. */
export class JobUnfinishedError extends VideoApiError {
  constructor(
    readonly jobId: string,
    readonly jobStatus: JobStatus["status"],
  ) {
    super(`Job ${jobId} has not ended yet: it is ${jobStatus}.`);
  }
}

/** A webhook that is not from the API, not unchanged, or not fresh. */
export class WebhookVerificationError extends VideoApiError {}

/** The problem document of an error, with the fields that some have beside the common ones. */
export type ProblemBody = Partial<Omit<Problem, "error_code">> & { error_code?: string } & Record<string, unknown>;

/** The API said no. `message` is a sentence to show; `code` is what to decide by. */
export class ApiError extends VideoApiError {
  /** The `error_code`; one that this version does not know comes as plain `ApiError`. */
  readonly code: ErrorCode | (string & {});
  readonly status: number;
  /** Tell it to support. */
  readonly requestId: string;

  constructor(
    status: number,
    /** The whole problem document. */
    readonly problem: ProblemBody,
    /** Seconds after which asking again is worth it, if the API said so. */
    readonly retryAfter?: number | undefined,
  ) {
    super(typeof problem.error === "string" ? problem.error : `The API answered ${status}.`);
    this.status = status;
    this.code = String(problem.error_code ?? "");
    this.requestId = String(problem.request_id ?? "");
  }

  protected text(name: string): string {
    return String(this.problem[name] ?? "");
  }

  protected number(name: string): number {
    return Number(this.problem[name]);
  }
}

export class InvalidRequestError extends ApiError {
  /** What is wrong, by field; empty when the body is no JSON at all. */
  readonly errors = (this.problem["errors"] ?? []) as FieldError[];
}
export class NotAuthenticatedError extends ApiError {}
export class PermissionDeniedError extends ApiError {}
export class AccountFrozenError extends ApiError {}
export class InsufficientDustError extends ApiError {
  readonly currentBalance = this.number("current_balance");
  readonly requiredAmount = this.number("required_amount");
}
export class NotFoundError extends ApiError {}
export class MethodNotAllowedError extends ApiError {}
export class PayloadTooLargeError extends ApiError {}
export class UnsupportedMediaTypeError extends ApiError {}
export class JobNotCancellableError extends ApiError {
  readonly jobStatus = this.text("job_status") as JobStatus["status"];
}
/** There is no video, and the DUST is back. */
export class JobFailedError extends ApiError {
  readonly jobId = this.text("job_id");
  readonly failureCode = this.text("failure_code") as FailureCode;
  readonly dust = this.text("dust") as JobStatus["dust"];
}
export class JobCancelledError extends ApiError {
  readonly jobId = this.text("job_id");
}
export class IdempotencyInProgressError extends ApiError {}
export class IdempotencyKeyReusedError extends ApiError {}
export class ResultExpiredError extends ApiError {
  readonly jobId = this.text("job_id");
  readonly expiredAt = this.text("expired_at");
}
export class VideoDeletedError extends ApiError {
  readonly jobId = this.text("job_id");
}
export class PreconditionFailedError extends ApiError {}
export class RangeNotSatisfiableError extends ApiError {}
export class RateLimitedError extends ApiError {}
export class TooManyActiveJobsError extends ApiError {
  /** How many unfinished jobs one user may have. */
  readonly limit = this.number("limit");
}
/** Delete a webhook first. */
export class TooManyWebhooksError extends ApiError {}
/** Enable the webhook first. */
export class WebhookDisabledError extends ApiError {}
/** A delivery that is still being tried can't be sent again. */
export class DeliveryPendingError extends ApiError {}
export class InternalServerError extends ApiError {}
export class UnavailableError extends ApiError {}

type ErrorClass = new (status: number, problem: ProblemBody, retryAfter?: number) => ApiError;

// A code that is new in the OpenAPI document does not compile until it has its class.
const CLASSES: Record<ErrorCode, ErrorClass> = {
  account_frozen: AccountFrozenError,
  delivery_pending: DeliveryPendingError,
  idempotency_in_progress: IdempotencyInProgressError,
  idempotency_key_reused: IdempotencyKeyReusedError,
  insufficient_dust: InsufficientDustError,
  internal_error: InternalServerError,
  invalid_request: InvalidRequestError,
  job_cancelled: JobCancelledError,
  job_failed: JobFailedError,
  job_not_cancellable: JobNotCancellableError,
  method_not_allowed: MethodNotAllowedError,
  not_authenticated: NotAuthenticatedError,
  not_found: NotFoundError,
  payload_too_large: PayloadTooLargeError,
  permission_denied: PermissionDeniedError,
  precondition_failed: PreconditionFailedError,
  range_not_satisfiable: RangeNotSatisfiableError,
  rate_limited: RateLimitedError,
  result_expired: ResultExpiredError,
  too_many_active_jobs: TooManyActiveJobsError,
  too_many_webhooks: TooManyWebhooksError,
  unavailable: UnavailableError,
  unsupported_media_type: UnsupportedMediaTypeError,
  video_deleted: VideoDeletedError,
  webhook_disabled: WebhookDisabledError,
};

/** Return the error for an answer that says no. */
export function errorOf(status: number, problem: ProblemBody, retryAfter?: number): ApiError {
  const code = problem.error_code ?? "";
  const known = Object.hasOwn(CLASSES, code) ? CLASSES[code as ErrorCode] : ApiError;
  return new known(status, problem, retryAfter);
}

/** Return the error for a job that ended without a video, as its result would say it; undefined for any other. */
export function endOf(job: JobStatus): ApiError | undefined {
  const facts = { success: false as const, job_id: job.job_id, job_status: job.status, dust: job.dust };
  if (job.status === "failed") {
    return errorOf(409, { ...facts, error_code: "job_failed", error: job.error ?? "", failure_code: job.error_code });
  }
  if (job.status === "cancelled") {
    return errorOf(409, { ...facts, error_code: "job_cancelled", error: "The job was cancelled." });
  }
  return undefined;
}
