/** Against a real server: VIDEOAPI_URL, VIDEOAPI_TOKEN and VIDEOAPI_PICTURE (a file) name what is used. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import * as api from "videoapi-client";

const { VIDEOAPI_URL: baseUrl = "", VIDEOAPI_TOKEN: token = "", VIDEOAPI_PICTURE: picture = "" } = process.env;
const client = new api.VideoClient({ baseUrl, token });
const SMALL = { model: "rehearsal", resolution: "sd_480p" } as const;
const skip = baseUrl ? false : "VIDEOAPI_URL names no server";

async function startsLikeVideo(video: api.Video) {
  const bytes = Buffer.from(await (await client.videos.download(video)).arrayBuffer());
  assert.equal(bytes.length, video.size_bytes);
  assert.equal(bytes.subarray(4, 8).toString(), "ftyp");
}

test("a text becomes a video that can be kept, marked, fetched and deleted", { skip }, async () => {
  const seen: api.JobStatus[] = [];
  const job = await client.videos.generate({ ...SMALL, prompt: "A red fox", metadata: { from: "a test" } });
  assert.equal(job.receipt?.cost, 10);
  const { video } = await job.wait({ onProgress: (status) => void seen.push(status), timeout: 120_000 });
  assert.equal(seen.at(-1)?.status, "completed");
  assert.ok(seen.every((one, index) => !index || one.progress >= seen[index - 1]!.progress));
  assert.deepEqual(video.metadata, { from: "a test" });
  await startsLikeVideo(video);

  assert.equal((await client.videos.favourite(video.id)).is_favorited, true);
  const favourites = await client.videos.list({ favorites_only: true, limit: 1 }).all();
  assert.deepEqual(favourites.map(({ id }) => id), [video.id]);
  assert.equal((await client.videos.favourite(video.id, false)).is_favorited, false);
  assert.equal((await client.jobs.get(job.id).result()).video.id, video.id);

  await client.videos.delete(video.id);
  await assert.rejects(client.videos.get(video.id), api.NotFoundError);
  await assert.rejects(job.result(), api.VideoDeletedError);
});

test("a picture becomes a video", { skip }, async () => {
  const image = new File([await readFile(picture)], "picture.jpg", { type: "image/jpeg" });
  const job = await client.videos.animate({ ...SMALL, image, prompt: "Zoom in", camera_fixed: true, seed: 7 });
  const { video } = await job.wait({ timeout: 120_000 });
  assert.equal(video.generation_type, "image_to_video");
  await startsLikeVideo(video);
});

test("a job that fails says why and gives the DUST back", { skip }, async () => {
  const { available } = await client.dust.balance();
  const job = await client.videos.generate({ ...SMALL, prompt: "A fox [reject]" });
  await assert.rejects(job.wait({ timeout: 120_000 }), (error: api.JobFailedError) => {
    assert.ok(error instanceof api.JobFailedError);
    return error.failureCode === "content_rejected" && error.dust === "refunded";
  });
  await assert.rejects(job.result(), api.JobFailedError);
  const kinds = [];
  for await (const { job_id, kind } of client.dust.transactions({ limit: 2 })) if (job_id === job.id) kinds.push(kind);
  assert.deepEqual(kinds, ["reverse", "post", "hold"]);
  assert.ok((await client.dust.balance()).available <= available);
});

test("a queued job can be cancelled, one that has ended can't", { skip }, async () => {
  const slow = { ...SMALL, prompt: "A tortoise [slow 12]" };
  const jobs = [await client.videos.generate(slow), await client.videos.generate(slow), await client.videos.generate(slow)];
  assert.equal((await jobs[2]!.cancel()).status, "cancelled");
  await assert.rejects(jobs[2]!.wait(), api.JobCancelledError);
  await assert.rejects(jobs[0]!.wait({ timeout: 100 }), api.WaitTimeoutError);
  assert.ok((await client.jobs.active()).some(({ job_id }) => job_id === jobs[0]!.id));
  await Promise.all([jobs[0]!.wait(), jobs[1]!.wait()]);
  await assert.rejects(jobs[0]!.cancel(), (error: api.JobNotCancellableError) => error.jobStatus === "completed");
});

test("errors come as their classes", { skip }, async () => {
  await assert.rejects(client.videos.generate({ prompt: "" }), (error: api.InvalidRequestError) => error.errors[0]?.field === "prompt");
  await assert.rejects(client.jobs.get("019a2098-5d59-7b0a-8e11-5a3c2f9d1e77").wait(), api.NotFoundError);
  const nobody = new api.VideoClient({ baseUrl, token: "vg_live_of_nobody" });
  await assert.rejects(nobody.dust.balance(), api.NotAuthenticatedError);
  await assert.rejects(client.videos.generate({ prompt: "A fox", model: "no-such-model" }), api.InvalidRequestError);
});

test("a price, a model and the installation's state are told", { skip }, async () => {
  const models = await client.models();
  assert.ok(models.some(({ model }) => model === "rehearsal"));
  assert.equal((await client.quote({ generation_type: "image_to_video" })).cost, 8);
  assert.equal((await client.statistics()).is_running, true);
});

/** The server, behind a connection that loses the first reply to every submit after it has been worked on. */
async function losing(t: TestContext): Promise<{ client: api.VideoClient; lost: () => number }> {
  const lost = new Set<string>();
  const proxy = createServer((asked, reply) => {
    const { method, url, headers } = asked;
    const onward = request(new URL(url!, baseUrl), { method: method!, headers }, (answer) => {
      const key = String(headers["idempotency-key"]);
      if (method !== "POST" || lost.has(key)) return answer.pipe(reply.writeHead(answer.statusCode!, answer.headers));
      lost.add(key);
      return answer.resume().on("end", () => reply.destroy());
    });
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => (proxy.closeAllConnections(), proxy.close()));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return { client: new api.VideoClient({ baseUrl: url, token }), lost: () => lost.size };
}

test("a submit whose reply was lost makes, and costs, one job", { skip }, async (t) => {
  const { client: unlucky, lost } = await losing(t);
  const image = new Blob([await readFile(picture)], { type: "image/jpeg" });
  for (const submit of [
    (prompt: string) => unlucky.videos.generate({ ...SMALL, prompt }),
    (prompt: string) => unlucky.videos.animate({ ...SMALL, prompt, image }),
  ]) {
    const prompt = `Only once ${crypto.randomUUID()}`;
    const job = await submit(prompt);
    await job.wait({ timeout: 120_000 });
    const made = (await client.jobs.list({ limit: 100 }).all()).filter((one) => one.prompt === prompt);
    assert.deepEqual(made.map(({ job_id }) => job_id), [job.id]);
    const moved = (await client.dust.transactions({ limit: 100 }).all()).filter(({ job_id }) => job_id === job.id);
    assert.deepEqual(moved.map(({ kind }) => kind), ["post", "hold"]);
  }
  assert.equal(lost(), 2);
});

test("the same key is the same job, another body under it a mistake", { skip }, async () => {
  const options = { idempotencyKey: crypto.randomUUID() };
  const first = await client.videos.generate({ ...SMALL, prompt: "A fox" }, options);
  const second = await client.videos.generate({ ...SMALL, prompt: "A fox" }, options);
  assert.equal(first.id, second.id);
  await assert.rejects(client.videos.generate({ ...SMALL, prompt: "A hare" }, options), api.IdempotencyKeyReusedError);
});
