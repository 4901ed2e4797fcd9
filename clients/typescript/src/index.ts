/** Client of the Video API. */

export { Dust, Jobs, VideoClient } from "./client.js";
export * from "./errors.js";
export { Job, type WaitOptions } from "./job.js";
export { List, type Page } from "./lists.js";
export type { components, operations, paths } from "./schema.js";
export type { ClientOptions } from "./transport.js";
export type * from "./types.js";
export { Videos, type DownloadOptions, type SubmitOptions } from "./videos.js";
export { verifyWebhook, type JobEvent, type VerifyOptions, type WebhookEvent } from "./webhooks.js";
