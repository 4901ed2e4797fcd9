import assert from "node:assert/strict";
import { test } from "node:test";

import { Webhook } from "standardwebhooks";
import { verifyWebhook, WebhookVerificationError } from "videoapi-client";

import { status } from "./stub.js";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_c2VjcmV0IG9mIGFub3RoZXIgZW5kcG9pbnQgaGVyZQ==";
const EVENT = { type: "job.completed", timestamp: "2026-01-31T12:00:00Z", data: status("completed", 1, { note: "Grüße ☀" }) };

/** Headers as the scheme's own library makes them. */
function signed(body: string, { secrets = [SECRET], at = new Date() } = {}) {
  const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" "),
  };
}

test("what the official library signs is accepted, as text, as bytes, and from Headers", async () => {
  const body = JSON.stringify(EVENT);
  assert.deepEqual(await verifyWebhook(body, signed(body), SECRET), EVENT);
  assert.deepEqual(await verifyWebhook(new TextEncoder().encode(body), new Headers(signed(body)), SECRET), EVENT);
});

test("the published vector of the scheme is accepted", async () => {
  const headers = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": "1614265330",
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const event = await verifyWebhook('{"test": 2432232314}', headers, SECRET, { now: 1614265330_000 });
  assert.deepEqual(event, { test: 2432232314 });
});

test("while a secret is replaced either is accepted, from either side", async () => {
  const body = JSON.stringify(EVENT);
  await verifyWebhook(body, signed(body, { secrets: [OTHER, SECRET] }), SECRET);
  await verifyWebhook(body, signed(body), [OTHER, SECRET]);
});

const body = JSON.stringify(EVENT);
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const REFUSED: Record<string, () => [string, Record<string, string>, string]> = {
  "another secret": () => [body, signed(body, { secrets: [OTHER] }), SECRET],
  "another body": () => [body.replace("completed", "failed"), signed(body), SECRET],
  "another id": () => [body, { ...signed(body), "webhook-id": "msg_another" }, SECRET],
  "another time": () => [body, { ...signed(body), "webhook-timestamp": String(Math.floor(Date.now() / 1000) - 60) }, SECRET],
  "an old one": () => [body, signed(body, { at: minutesAgo(6) }), SECRET],
  "one from the future": () => [body, signed(body, { at: minutesAgo(-6) }), SECRET],
  "no time": () => [body, { ...signed(body), "webhook-timestamp": "NaN" }, SECRET],
  "no signature": () => [body, { ...signed(body), "webhook-signature": "" }, SECRET],
  "a signature of another version": () => [body, { ...signed(body), "webhook-signature": signed(body)["webhook-signature"].replace("v1,", "v2,") }, SECRET],
  "a signature that is not base64": () => [body, { ...signed(body), "webhook-signature": "v1,*** v1," }, SECRET],
  "a secret that is none": () => [body, signed(body), "whsec_"],
  "what is signed but not JSON": () => ["hello", signed("hello"), SECRET],
};
for (const [name, given] of Object.entries(REFUSED)) {
  test(`${name} is refused`, async () => {
    await assert.rejects(verifyWebhook(...given()), WebhookVerificationError);
  });
}

test("the tolerance can be set", async () => {
  await verifyWebhook(body, signed(body, { at: minutesAgo(6) }), SECRET, { tolerance: 600 });
});

test("no error tells the secret", async () => {
  for (const given of Object.values(REFUSED)) {
    const error: unknown = await verifyWebhook(...given()).catch((caught: unknown) => caught);
    assert.ok(!JSON.stringify([String(error), (error as Error).stack]).includes(SECRET.slice(6)));
  }
});
