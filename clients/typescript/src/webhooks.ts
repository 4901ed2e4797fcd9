/** Tells whether a webhook is the API's own, by the Standard Webhooks scheme (standardwebhooks.com). */

import { WebhookVerificationError } from "./errors.js";
import type { JobStatus } from "./types.js";

export type JobEvent = {
  type: "job.queued" | "job.started" | "job.completed" | "job.failed" | "job.cancelled";
  timestamp: string;
  data: JobStatus;
};
/** Other types, `test.ping` among them, are not about a job: look at `type` first, and ignore those you don't know. */
export type WebhookEvent = JobEvent | { type: "test.ping"; timestamp: string; data: Record<string, unknown> };

export interface VerifyOptions {
  /** Seconds that the webhook's time may differ from now, either way (300). */
  tolerance?: number;
  /** Milliseconds since 1970; for tests. */
  now?: number;
}

type HeaderSource = Headers | Record<string, string | string[] | undefined>;

/**
 * Return what a webhook says.
 *
 * `body` is the request's body as it came: parsed and written again it would not be the same bytes. Several secrets
 * may be given while one is replaced. Throws WebhookVerificationError. The same webhook may arrive more than once:
 * its `webhook-id` is the same then.
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: HeaderSource,
  secret: string | readonly string[],
  { tolerance = 300, now = Date.now() }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  checkTime(timestamp, tolerance, now);
  const text = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const content = joined(new TextEncoder().encode(`${id}.${timestamp}.`), text);
  const signatures = header(headers, "webhook-signature").split(" ").filter((one) => one.startsWith("v1,"));
  for (const one of typeof secret === "string" ? [secret] : secret) {
    const key = await crypto.subtle.importKey("raw", keyBytes(one), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const signature of signatures) {
      const bytes = decoded(signature.slice(3));
      // compares in constant time
      if (bytes && (await crypto.subtle.verify("HMAC", key, bytes, content))) return event(text);
    }
  }
  throw new WebhookVerificationError("No signature of this webhook is right.");
}

function header(headers: HeaderSource, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : fromRecord(headers, name);
  if (!value) throw new WebhookVerificationError(`The header ${name} is missing.`);
  return value;
}

function fromRecord(headers: Record<string, string | string[] | undefined>, name: string): string | undefined {
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? [];
  return Array.isArray(value) ? value[0] : value;
}

function checkTime(timestamp: string, tolerance: number, now: number): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookVerificationError("webhook-timestamp is not a time.");
  if (Math.abs(now / 1000 - Number(timestamp)) > tolerance) {
    throw new WebhookVerificationError("This webhook is too old, or from the future.");
  }
}

function keyBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = decoded(secret.replace(/^whsec_/, ""));
  if (!bytes?.length) throw new WebhookVerificationError("The secret is not one: whsec_ and base64.");
  return bytes;
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function event(text: Uint8Array): WebhookEvent {
  try {
    return JSON.parse(new TextDecoder().decode(text)) as WebhookEvent;
  } catch {
    throw new WebhookVerificationError("The webhook is signed, but not JSON.");
  }
}
