import assert from "node:assert/strict";
import { test } from "node:test";

import * as api from "videoapi-client";

import { problem, stub } from "./stub.js";

async function errorFor(t: import("node:test").TestContext, status: number, code: string, more: object = {}) {
  const { client } = await stub(t, () => problem(status, code, more), { retries: 0 });
  const error = await client.dust.balance().catch((caught: unknown) => caught);
  assert.ok(error instanceof api.ApiError);
  assert.equal(error.code, code);
  assert.equal(error.status, status);
  assert.equal(error.requestId, "request-1");
  assert.equal(error.message, `It is ${code}.`);
  return error;
}

test("each error_code has its class", async (t) => {
  const classes = {
    not_authenticated: api.NotAuthenticatedError,
    permission_denied: api.PermissionDeniedError,
    account_frozen: api.AccountFrozenError,
    not_found: api.NotFoundError,
    unavailable: api.UnavailableError,
    internal_error: api.InternalServerError,
    rate_limited: api.RateLimitedError,
  };
  for (const [code, kind] of Object.entries(classes)) {
    const error = await errorFor(t, 400, code);
    assert.equal(error.constructor, kind);
    assert.equal(error.name, kind.name);
  }
});

test("errors have the fields of their problem documents", async (t) => {
  const poor = await errorFor(t, 402, "insufficient_dust", { current_balance: 4, required_amount: 10 });
  assert.ok(poor instanceof api.InsufficientDustError);
  assert.deepEqual([poor.currentBalance, poor.requiredAmount], [4, 10]);

  const errors = [{ field: "prompt", message: "Too long.", code: "max_length" }];
  const invalid = await errorFor(t, 400, "invalid_request", { errors });
  assert.ok(invalid instanceof api.InvalidRequestError);
  assert.deepEqual(invalid.errors, errors);

  const failed = await errorFor(t, 409, "job_failed", { job_id: "one", failure_code: "content_rejected", dust: "refunded" });
  assert.ok(failed instanceof api.JobFailedError);
  assert.deepEqual([failed.jobId, failed.failureCode, failed.dust], ["one", "content_rejected", "refunded"]);

  const busy = await errorFor(t, 429, "too_many_active_jobs", { limit: 20 });
  assert.ok(busy instanceof api.TooManyActiveJobsError);
  assert.equal(busy.limit, 20);

  const late = await errorFor(t, 410, "result_expired", { job_id: "one", expired_at: "2026-01-31T12:00:00Z" });
  assert.ok(late instanceof api.ResultExpiredError);
  assert.deepEqual([late.jobId, late.expiredAt], ["one", "2026-01-31T12:00:00Z"]);
  assert.equal(late.problem["expired_at"], "2026-01-31T12:00:00Z");
});

test("a code of the future is an ApiError that says it", async (t) => {
  const error = await errorFor(t, 418, "is_a_teapot", { temperature: 90 });
  assert.equal(error.constructor, api.ApiError);
  assert.equal(error.problem["temperature"], 90);
});
test("a code that names what every object has is no class", async (t) => {
  assert.equal((await errorFor(t, 400, "constructor")).constructor, api.ApiError);
});
