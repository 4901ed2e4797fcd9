/** A server that answers as a test tells it to, and remembers what it was asked. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { VideoClient, type ClientOptions, type JobStatus } from "videoapi-client";

export const TOKEN = "vg_live_that_nobody_may_see";
export const JOB_ID = "019a2098-5d59-7b0a-8e11-5a3c2f9d1e77";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
  at: number;
}

export type Reply = (response: ServerResponse, asked: Asked) => void;

export interface Stub {
  url: string;
  client: VideoClient;
  asked: Asked[];
  /** Those whose path ends so. */
  to(end: string): Asked[];
}

/** Start it until the test ends; `answer` returns what to do for a request. */
export async function stub(test: TestContext, answer: (asked: Asked) => Reply, options: ClientOptions = {}): Promise<Stub> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, path: url.split("?")[0]!, headers, body: Buffer.concat(pieces).toString(), at: Date.now() };
      asked.push(one);
      answer(one)(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new VideoClient({ baseUrl: url, token: TOKEN, ...options });
  return { url, client, asked, to: (end) => asked.filter(({ path }) => path.endsWith(end)) };
}

/** Give these replies one after the other, and the last one from then on. */
export function inTurn(...replies: Reply[]): () => Reply {
  let turn = 0;
  return () => replies[Math.min(turn++, replies.length - 1)]!;
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));

export const problem = (status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Reply =>
  json(status, { success: false, error: `It is ${code}.`, error_code: code, request_id: "request-1", ...more }, headers);

/** Take the request, and close the connection without a word. */
export const drop: Reply = (response) => response.destroy();

/** Begin a stream, say this, and leave it open. */
export const say =
  (...words: string[]): Reply =>
  (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const word of words) response.write(word);
  };

/** Say this and break off. */
export const sayAndBreak =
  (...words: string[]): Reply =>
  (response, asked) => {
    say(...words)(response, asked);
    setTimeout(() => response.destroy(), 50);
  };

export const receipt = (more: object = {}) => ({
  success: true,
  job_id: JOB_ID,
  status: "queued",
  estimated_completion_seconds: 5,
  message: "The job was accepted.",
  cost: 10,
  balance: 90,
  ...more,
});

export function status(name: JobStatus["status"], progress = 0, more: object = {}): JobStatus {
  return {
    success: true,
    job_id: JOB_ID,
    status: name,
    progress,
    generation_info: {
      generation_type: "text_to_video",
      current_step: "Rendering ☀",
      queue_position: null,
      estimated_remaining_seconds: 3,
      model_used: "preview",
    },
    cost: 10,
    dust: name === "failed" ? "refunded" : "charged",
    created_at: "2026-01-31T12:00:00.000Z",
    updated_at: "2026-01-31T12:00:00.000Z",
    started_at: null,
    completed_at: null,
    expires_at: null,
    ...more,
  } as JobStatus;
}

export const event = (job: JobStatus, id: number) => `event: job\nid: ${id}\ndata: ${JSON.stringify(job)}\n\n`;

export const RESULT = {
  success: true,
  job_id: JOB_ID,
  status: "completed",
  video: { id: "019a2098-9c4e-7d22-b1a8-3f60c2d7e915" },
  generation_info: { model_used: "preview", generation_time_ms: 1000 },
};
