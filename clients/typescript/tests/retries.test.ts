import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import * as api from "videoapi-client";

import { drop, inTurn, json, problem, receipt, stub, TOKEN } from "./stub.js";

const PROMPT = { prompt: "A red fox" };

test("a submit whose reply was lost is sent again with the same key", async (t) => {
  const jobs = new Map<string, string>();
  let isLost = true;
  const { client, asked } = await stub(t, ({ headers }) => {
    const key = String(headers["idempotency-key"]);
    if (!jobs.has(key)) jobs.set(key, `job-${jobs.size + 1}`);
    if (isLost) {
      isLost = false;
      return drop;
    }
    return json(202, receipt({ job_id: jobs.get(key) }));
  });
  const job = await client.videos.generate(PROMPT);
  assert.equal(job.id, "job-1");
  assert.equal(jobs.size, 1);
  assert.equal(asked.length, 2);
  assert.equal(asked[0]!.headers["idempotency-key"], asked[1]!.headers["idempotency-key"]);
  assert.equal(asked[0]!.body, asked[1]!.body);
});

test("a reply that breaks off half-way is one that was lost", async (t) => {
  const half = (response: import("node:http").ServerResponse) => {
    response.writeHead(202, { "Content-Length": "1000" }).write('{"job_');
    setTimeout(() => response.destroy(), 20);
  };
  const { client, asked } = await stub(t, inTurn(half, json(202, receipt())));
  await client.videos.generate(PROMPT);
  assert.equal(asked.length, 2);
});

test("an uploaded picture is sent again whole", async (t) => {
  const { client, asked } = await stub(t, inTurn(drop, json(202, receipt())));
  const image = new File(["a picture of 9001 bytes"], "fox.png", { type: "image/png" });
  await client.videos.animate({ image, prompt: "Zoom in", seed: 7, metadata: { a: 1 } });
  for (const { body } of asked) {
    assert.match(body, /name="image"; filename="fox.png"/);
    assert.match(body, /a picture of 9001 bytes/);
    assert.match(body, /name="seed"\r\n\r\n7\r\n/);
    assert.match(body, /name="metadata"\r\n\r\n\{"a":1\}\r\n/);
  }
  assert.equal(asked.length, 2);
});

test("two submits have two keys, and the caller's own key is used as it is", async (t) => {
  const { client, asked } = await stub(t, () => json(202, receipt()));
  await client.videos.generate(PROMPT);
  await client.videos.generate(PROMPT);
  await client.videos.generate(PROMPT, { idempotencyKey: "order-17" });
  const keys = asked.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], "order-17");
});

for (const [status, code] of [[429, "rate_limited"], [503, "unavailable"], [409, "idempotency_in_progress"]] as const) {
  test(`${status} ${code} passes by itself: it is tried again, not before Retry-After`, async (t) => {
    const { client, asked } = await stub(t, inTurn(problem(status, code, {}, { "Retry-After": "1" }), json(202, receipt())));
    await client.videos.generate(PROMPT);
    assert.equal(asked.length, 2);
    assert.ok(asked[1]!.at - asked[0]!.at >= 1000);
    assert.equal(asked[0]!.headers["idempotency-key"], asked[1]!.headers["idempotency-key"]);
  });
}

test("a proxy's own 502 and 504 are tried again too", async (t) => {
  const page = (status: number) => (response: import("node:http").ServerResponse) => response.writeHead(status).end("<html>");
  const { client, asked } = await stub(t, inTurn(page(502), page(504), json(202, receipt())));
  await client.videos.generate(PROMPT);
  assert.equal(asked.length, 3);
});

for (const [status, code] of [[400, "invalid_request"], [402, "insufficient_dust"], [404, "not_found"], [422, "idempotency_key_reused"], [429, "too_many_active_jobs"], [500, "internal_error"]] as const) {
  test(`${status} ${code} is told at once`, async (t) => {
    const { client, asked } = await stub(t, () => problem(status, code, {}, { "Retry-After": "1" }));
    await assert.rejects(client.videos.generate(PROMPT), { code, status });
    assert.equal(asked.length, 1);
  });
}

test("tries are counted, and the last failure is thrown", async (t) => {
  const { client, asked } = await stub(t, () => drop, { retries: 2 });
  await assert.rejects(client.videos.generate(PROMPT), api.NetworkError);
  assert.equal(asked.length, 3);
});

test("a server that asks for more than a minute is not waited for in silence", async (t) => {
  const { client } = await stub(t, () => problem(503, "unavailable", {}, { "Retry-After": "3600" }));
  await assert.rejects(client.dust.balance(), (error: api.UnavailableError) => error.retryAfter === 3600);
});

test("a Retry-After that is a date is understood", async (t) => {
  const { client } = await stub(t, () => problem(503, "unavailable", {}, { "Retry-After": new Date(Date.now() + 600_000).toUTCString() }));
  await assert.rejects(client.dust.balance(), (error: api.UnavailableError) => error.retryAfter! > 500 && error.retryAfter! <= 600);
});

test("a call that is aborted stops at once, in a pause and in a try", async (t) => {
  const { client, asked } = await stub(t, ({ path }) => (path === "/dust/balance" ? problem(503, "unavailable", {}, { "Retry-After": "50" }) : () => {}));
  for (const call of [client.dust.balance.bind(client.dust), client.statistics.bind(client)]) {
    const before = asked.length;
    const controller = new AbortController();
    const reason = new Error("The page was left.");
    const outcome = assert.rejects(call({ signal: controller.signal }), reason);
    while (asked.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(reason);
    await outcome;
  }
});

test("a try that takes too long is given up and sent again", async (t) => {
  const { client, asked } = await stub(t, inTurn(() => {}, json(200, { available: 3 })), { requestTimeout: 300 });
  assert.equal((await client.dust.balance()).available, 3);
  assert.ok(asked.length >= 2);
});

test("a video whose deletion was done, but not told, counts as deleted", async (t) => {
  const { client } = await stub(t, inTurn(drop, problem(404, "not_found")));
  await client.videos.delete("one");
  const other = await stub(t, () => problem(404, "not_found"));
  await assert.rejects(other.client.videos.delete("one"), api.NotFoundError);
});

test("a deletion may have been done whatever a 5xx says, but not when it was only told to wait", async (t) => {
  const { client } = await stub(t, inTurn(problem(503, "unavailable"), problem(404, "not_found")));
  await client.videos.delete("one");
  const other = await stub(t, inTurn(problem(429, "rate_limited"), problem(404, "not_found")));
  await assert.rejects(other.client.videos.delete("one"), api.NotFoundError);
  assert.equal(other.asked.length, 2);
});

test("a redirect is not followed, but told", async (t) => {
  const { client, asked } = await stub(t, () => (response) => response.writeHead(301, { Location: "/elsewhere" }).end());
  await assert.rejects(client.videos.generate(PROMPT), api.UnexpectedAnswerError);
  assert.equal(asked.length, 1);
});

test("a page in place of JSON is told as that", async (t) => {
  const { client } = await stub(t, () => (response) => response.writeHead(200).end("<html>Sign in to the hotel</html>"));
  await assert.rejects(client.videos.generate(PROMPT), api.UnexpectedAnswerError);
});

test("the token goes to the API and is in nothing that can be printed", async (t) => {
  const { client, asked, url } = await stub(t, () => problem(500, "internal_error"), { retries: 0 });
  const away = new api.VideoClient({ baseUrl: "http://127.0.0.1:9", token: TOKEN, retries: 0 });
  const broken = new api.VideoClient({ baseUrl: url, token: `${TOKEN}\n`, retries: 0 });
  const said = [client, client.videos, client.jobs.get("one")].map((one) => inspect(one, { depth: 9, showHidden: true }));
  for (const one of [client, away, broken]) {
    const error = await one.videos.generate(PROMPT).catch((caught: unknown) => caught);
    assert.ok(error instanceof api.VideoApiError);
    said.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), String(error.stack));
  }
  assert.equal(asked[0]!.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(said.filter((text) => text.includes(TOKEN)).length, 0);
});

test("a token may be asked for anew with each try", async (t) => {
  let turn = 0;
  const { client, asked } = await stub(t, inTurn(drop, json(200, {})), { token: async () => `token-${++turn}` });
  await client.dust.balance();
  assert.deepEqual(asked.map(({ headers }) => headers.authorization), ["Bearer token-1", "Bearer token-2"]);
});
