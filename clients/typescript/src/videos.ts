/** Making videos, and the user's library of them. */

import { PermissionDeniedError } from "./errors.js";
import { Job } from "./job.js";
import { List } from "./lists.js";
import type { Call, Transport } from "./transport.js";
import type { AnimateRequest, CallOptions, GenerateRequest, SubmitAccepted, Video, VideoQuery } from "./types.js";

export interface SubmitOptions extends CallOptions {
  /**
   * One is made for each call, so that it is safe to send the call again. Give your own, kept with what the user did,
   * and the submit is safe across reloads and restarts too.
   */
  idempotencyKey?: string;
}

export interface DownloadOptions extends CallOptions {
  /** Such as `bytes=0-1023`. */
  range?: string;
}

export class Videos {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Submit a text. Throws InsufficientDustError, InvalidRequestError, TooManyActiveJobsError … */
  generate(request: GenerateRequest, options: SubmitOptions = {}): Promise<Job> {
    return this.#submit("/videos/generate", request, options);
  }

  /** Submit a picture, as a file or an address, with what it should do. Throws as `generate` does. */
  animate({ image, ...fields }: AnimateRequest, options: SubmitOptions = {}): Promise<Job> {
    const body = image instanceof Blob ? form(fields, image) : { ...fields, image_url: String(image) };
    return this.#submit("/videos/animate", body, options);
  }

  /** The library, newest first. */
  list(query: VideoQuery = {}, options: CallOptions = {}): List<Video> {
    return new List(this.#transport, "/videos", "videos", (video: Video) => video.id, query, options);
  }

  /** Return one video, with fresh addresses. Throws NotFoundError. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Video> {
    return (await this.#transport.json<{ video: Video }>(path(id), { signal })).video;
  }

  /** Mark a video as a favourite, or with `false` as none. Throws NotFoundError. */
  async favourite(id: string, isFavourite = true, { signal }: CallOptions = {}): Promise<Video> {
    const call: Call = { method: "PUT", body: { is_favorited: isFavourite }, signal };
    return (await this.#transport.json<{ video: Video }>(path(id), call)).video;
  }

  /** Delete a video and its files. Throws NotFoundError. */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send(path(id), { method: "DELETE", signal, goneIsDone: true });
  }

  /** Start to download a video: an answer whose `body` is a stream, and whose `blob()` is the file. */
  async download(video: Video | string, { signal, range }: DownloadOptions = {}): Promise<Response> {
    const call: Call = { signal, headers: range ? { Range: range } : {} };
    const known = typeof video === "string" ? await this.get(video, { signal }) : video;
    try {
      return await this.#transport.file(known.url, call);
    } catch (error) {
      if (!(error instanceof PermissionDeniedError) || known !== video) throw error;
      return this.#transport.file((await this.get(known.id, { signal })).url, call); // the address had expired
    }
  }

  async #submit(address: string, body: object, { idempotencyKey, signal }: SubmitOptions): Promise<Job> {
    const headers = { "Idempotency-Key": idempotencyKey ?? randomKey() };
    const receipt = await this.#transport.json<SubmitAccepted>(address, { method: "POST", body, headers, signal });
    return new Job(this.#transport, receipt.job_id, receipt);
  }
}

function path(id: string): string {
  return `/videos/${encodeURIComponent(id)}`;
}

function form(fields: object, image: Blob): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    // in a form the API reads what is not text as JSON
    if (value !== undefined && value !== null) made.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  made.set("image", image, image instanceof File ? image.name : "image");
  return made;
}

/** `crypto.randomUUID` is missing in pages that came by plain http. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
