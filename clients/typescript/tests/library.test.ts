import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import * as api from "videoapi-client";

import { json, problem, stub, TOKEN, type Reply } from "./stub.js";

const row = (id: number) => ({ id: `video-${id}` });

test("a list is gone through page by page, each row once though new ones arrive", async (t) => {
  let offset = 0;
  const pages = [[row(5), row(4)], [row(4), row(3)], [row(2)]];
  const { client, asked } = await stub(t, () => {
    const videos = pages[offset++]!;
    return json(200, { success: true, videos, pagination: { total: 5, limit: 2, offset: 0, has_more: offset < 3 } });
  });
  const met = await client.videos.list({ limit: 2, favorites_only: true }).all();
  assert.deepEqual(met.map(({ id }) => id), ["video-5", "video-4", "video-3", "video-2"]);
  assert.equal(asked.length, 3);
});

test("a download has no token, and an address that expired is renewed", async (t) => {
  const { client, url, asked } = await stub(t, ({ path }) => {
    if (path === "/old") return problem(403, "permission_denied");
    if (path === "/new") return (response) => response.writeHead(200, { "Content-Type": "video/mp4" }).end("film");
    return json(200, { success: true, video: { id: "one", url: `${url}/new` } });
  });
  const response = await client.videos.download({ id: "one", url: `${url}/old` } as api.Video);
  assert.equal(await response.text(), "film");
  assert.deepEqual(
    asked.map(({ path, headers }) => [path, headers.authorization]),
    [["/old", undefined], ["/videos/one", `Bearer ${TOKEN}`], ["/new", undefined]],
  );
});

test("a download can be ended while it runs", async (t) => {
  const { client, url } = await stub(t, () => (response) => void response.writeHead(200).write("the first part of"));
  const controller = new AbortController();
  const response = await client.videos.download({ id: "one", url: `${url}/file` } as api.Video, { signal: controller.signal });
  const outcome = assert.rejects(response.text());
  controller.abort();
  await outcome;
});

test("a download lets go of the caller's signal when it has ended, however it does", async (t) => {
  const film: Reply = (response, { path }) => {
    response.writeHead(200, { "Content-Type": "video/mp4" }).write("film");
    if (path === "/whole") response.end();
    if (path === "/broken") setTimeout(() => response.destroy(), 50);
  };
  const { client, url } = await stub(t, () => film);
  const { signal } = new AbortController();
  const start = (path: string) => client.videos.download({ id: "one", url: url + path } as api.Video, { signal });
  const whole = await start("/whole");
  assert.deepEqual([whole.status, whole.url, whole.headers.get("Content-Type")], [200, `${url}/whole`, "video/mp4"]);
  assert.equal(await whole.text(), "film");
  await assert.rejects((await start("/broken")).text());
  await (await start("/endless")).body!.cancel();
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("outside of a page baseUrl is needed", () => {
  assert.throws(() => new api.VideoClient(), /baseUrl/);
});
