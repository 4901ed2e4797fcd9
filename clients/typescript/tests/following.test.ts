import assert from "node:assert/strict";
import { test } from "node:test";

import * as api from "videoapi-client";

import { drop, event, inTurn, json, JOB_ID, problem, RESULT, say, sayAndBreak, status, stub, TOKEN, type Asked, type Reply } from "./stub.js";

const DONE = status("completed", 1);

/** Answers of one job: its events, its status, its result. */
const job =
  ({ events = () => problem(404, "not_found"), polls = () => json(200, DONE) }: { events?: (asked: Asked) => Reply; polls?: (asked: Asked) => Reply }) =>
  (asked: Asked) =>
    asked.path.endsWith("/events") ? events(asked) : asked.path.endsWith("/status") ? polls(asked) : json(200, RESULT);

function recorder() {
  const seen: api.JobStatus[] = [];
  return { seen, onProgress: (one: api.JobStatus) => void seen.push(one) };
}

test("a job is followed by its events alone", async (t) => {
  const half = status("processing", 0.5);
  const answer = job({ events: () => say("retry: 10\n\n", ": ping\n\n", event(half, 1), event(DONE, 2)) });
  const { client, asked, to } = await stub(t, answer);
  const { seen, onProgress } = recorder();
  const result = await client.jobs.get(JOB_ID).wait({ onProgress });
  assert.deepEqual(result, RESULT);
  assert.deepEqual(seen, [half, DONE]);
  assert.deepEqual([to("/events").length, to("/status").length, asked.length], [1, 0, 2]);
  assert.equal(asked[0]!.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(asked[0]!.headers.accept, "text/event-stream");
});

test("a stream that breaks is taken up where it broke", async (t) => {
  const first = sayAndBreak("retry: 10\n\n", event(status("starting"), 41));
  const answer = job({ events: inTurn(first, drop, say(event(DONE, 44))) });
  const { client, to } = await stub(t, answer);
  await client.jobs.get(JOB_ID).wait();
  assert.deepEqual(to("/events").map(({ headers }) => headers["last-event-id"]), [undefined, "41", "41"]);
  assert.equal(to("/status").length, 0);
});

test("events are read however they are cut, and whatever ends their lines", async (t) => {
  const bytes = Buffer.from(`\uFEFF: hello\r\nevent: job\r\nid: 9\r\ndata: ${JSON.stringify(DONE)}\r\n\r\n`);
  const drip: Reply = (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    let at = 0;
    const timer = setInterval(() => (at < bytes.length ? response.write(bytes.subarray(at, (at += 7))) : clearInterval(timer)), 1);
  };
  const { client, to } = await stub(t, job({ events: () => drip }));
  const { seen, onProgress } = recorder();
  await client.jobs.get(JOB_ID).wait({ onProgress });
  assert.deepEqual(seen, [DONE]);
  assert.equal(to("/status").length, 0);
});

test("events of other jobs and kinds are passed over", async (t) => {
  const other = event(status("failed", 0, { job_id: "another" }), 1);
  const unknown = `event: news\ndata: {}\n\ndata: {"no": "event"}\n\n`;
  const { client } = await stub(t, job({ events: () => say(other, unknown, event(DONE, 2)) }));
  const { seen, onProgress } = recorder();
  await client.jobs.get(JOB_ID).wait({ onProgress });
  assert.deepEqual(seen, [DONE]);
});

test("without streams the status is asked for, as Retry-After says, and with its ETag", async (t) => {
  const queued = json(200, status("queued"), { ETag: 'W/"a"', "Retry-After": "1" });
  const unchanged: Reply = (response) => response.writeHead(304, { ETag: 'W/"a"', "Retry-After": "1" }).end();
  const { client, to } = await stub(t, job({ polls: inTurn(queued, unchanged, json(200, DONE, { ETag: 'W/"b"' })) }));
  const { seen, onProgress } = recorder();
  const begun = Date.now();
  await client.jobs.get(JOB_ID).wait({ onProgress });
  assert.deepEqual(seen.map((one) => one.status), ["queued", "completed"]);
  const polls = to("/status");
  assert.deepEqual(polls.map(({ headers }) => headers["if-none-match"]), [undefined, 'W/"a"', 'W/"a"']);
  // a client counts from before it asks, and that is on its way for a while
  assert.ok(polls[2]!.at - begun >= 2000);
});

test("204 says that all is told: the status is asked for once", async (t) => {
  const { client, to } = await stub(t, job({ events: () => (response) => response.writeHead(204).end() }));
  await client.jobs.get(JOB_ID).wait();
  assert.deepEqual([to("/events").length, to("/status").length], [1, 1]);
});

test("a stream that something on the way keeps back is not waited for", async (t) => {
  const { client, to } = await stub(t, job({ events: () => () => {} }));
  await client.jobs.get(JOB_ID).wait();
  assert.deepEqual([to("/events").length, to("/status").length], [1, 1]);
});

test("streams that always break are given up for polling", async (t) => {
  const { client, to } = await stub(t, job({ events: () => sayAndBreak("retry: 10\n\n", "event: job\ndata: {broken\n\n") }));
  await client.jobs.get(JOB_ID).wait();
  assert.deepEqual([to("/events").length, to("/status").length], [3, 1]);
});

test("a busy server's stream is asked for again", async (t) => {
  const { client, to } = await stub(t, job({ events: inTurn(problem(503, "unavailable"), say(event(DONE, 1))) }));
  await client.jobs.get(JOB_ID).wait();
  assert.deepEqual([to("/events").length, to("/status").length], [2, 0]);
});

test("an outage is endured, for as long as the client's patience", async (t) => {
  const short = await stub(t, job({ polls: inTurn(drop, problem(503, "unavailable"), json(200, DONE)) }));
  await short.client.jobs.get(JOB_ID).wait();
  const long = await stub(t, job({ polls: () => drop }), { patience: 1000 });
  const begun = Date.now();
  await assert.rejects(long.client.jobs.get(JOB_ID).wait(), api.NetworkError);
  assert.ok(Date.now() - begun > 1000);
});

test("somebody else's job is not found, and a token that ended is told", async (t) => {
  for (const [code, kind] of [["not_found", api.NotFoundError], ["not_authenticated", api.NotAuthenticatedError]] as const) {
    const number = code === "not_found" ? 404 : 401;
    const { client } = await stub(t, job({ events: () => problem(number, code), polls: () => problem(number, code) }));
    await assert.rejects(client.jobs.get(JOB_ID).wait(), kind);
  }
});

test("a job that failed throws why, and what happened to the DUST", async (t) => {
  const failed = status("failed", 0.5, { error: "Try other words.", error_code: "content_rejected" });
  const { client, asked } = await stub(t, job({ events: () => say(event(failed, 3)) }));
  await assert.rejects(client.jobs.get(JOB_ID).wait(), (error: api.JobFailedError) => {
    assert.ok(error instanceof api.JobFailedError);
    assert.deepEqual([error.message, error.failureCode, error.dust, error.jobId], ["Try other words.", "content_rejected", "refunded", JOB_ID]);
    return true;
  });
  assert.equal(asked.length, 1);
  const cancelled = await stub(t, job({ events: () => say(event(status("cancelled"), 3)) }));
  await assert.rejects(cancelled.client.jobs.get(JOB_ID).wait(), api.JobCancelledError);
});

test("waiting ends with the timeout or the signal, and the connection with it", async (t) => {
  let closed = 0;
  const open: Reply = (response, asked) => {
    response.on("close", () => closed++);
    say(event(status("processing"), 1))(response, asked);
  };
  const { client } = await stub(t, job({ events: () => open }));
  await assert.rejects(client.jobs.get(JOB_ID).wait({ timeout: 3000 }), api.WaitTimeoutError);
  const reason = new Error("The page was left.");
  const controller = new AbortController();
  await assert.rejects(client.jobs.get(JOB_ID).wait({ signal: controller.signal, onProgress: () => controller.abort(reason) }), reason);
  await assert.rejects(client.jobs.get(JOB_ID).wait({ signal: AbortSignal.abort(reason) }), reason);
  for await (const _ of client.jobs.get(JOB_ID).updates()) break;
  while (closed < 3) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("only so many connections stay open: the other jobs are asked about", async (t) => {
  const { client, to } = await stub(t, job({ events: () => say(event(status("processing"), 1)) }), { streams: 1 });
  const controller = new AbortController();
  const first = client.jobs.get(JOB_ID).updates({ signal: controller.signal });
  await first.next();
  await client.jobs.get(JOB_ID).wait();
  assert.deepEqual([to("/events").length, to("/status").length], [1, 1]);
  await first.return(undefined);
  for await (const _ of client.jobs.get(JOB_ID).updates()) break;
  assert.equal(to("/events").length, 2);
});

test("a result that is not there yet is told", async (t) => {
  const { client } = await stub(t, () => json(202, { success: true, job_id: JOB_ID, status: "processing", message: "" }));
  await assert.rejects(client.jobs.get(JOB_ID).result(), (error: api.JobUnfinishedError) => error.jobStatus === "processing");
});

for (const timeout of [Infinity, 2 ** 31, 1e12]) {
  test(`a timeout of ${timeout} ms is long, not over at once`, async (t) => {
    const later: Reply = (response, asked) => setTimeout(() => say(event(DONE, 1))(response, asked), 100);
    const { client } = await stub(t, job({ events: () => later }));
    assert.deepEqual(await client.jobs.get(JOB_ID).wait({ timeout }), RESULT);
  });
}
