// Cards of the jobs at work, and of those that failed until they are put away.

import { call, insist, send } from "./api.js";
import { announce, at, button, element, icon } from "./dom.js";
import * as live from "./live.js";
import * as options from "./options.js";
import * as store from "./store.js";
import * as toasts from "./toasts.js";
import * as words from "./words.js";

const RECENT_FAILURE = 3_600_000; // milliseconds: older ones were seen, or are of no use any more
const CANCELLING = "cancelling";
const UNSTAFFED = "Waiting: no videos are being made right now";
const LOOK_AGAIN = 15_000; // milliseconds
const GATHERING = 200; // milliseconds
const cards = new Map(); // job id -> { item, job, asked, status }
let handlers = {};
const strangers = new Map(); // job id -> status, of those heard of since the page last looked
let isStaffed = true; // whether some worker gives signs of life
let lookedAt = 0;

// `completed(video)`, `moneyMoved()` and `again(order)` are called when they happen.
export async function start(called) {
  handlers = called;
  live.start({ status: show, gone: drop, stranger });
  document.addEventListener("visibilitychange", () => document.hidden || load().catch(() => {}));
  await load();
}

// Show the jobs that are at work, and those that failed lately.
export async function load() {
  const [{ active_jobs: active }, { jobs: recent }] = await Promise.all([
    insist("/videos/jobs/active"),
    insist("/videos/jobs?limit=50"),
  ]);
  for (const job of recent) {
    const { generation_type, model_used: model } = job.generation_info;
    Object.assign(job, { generation_type, model });
  }
  const known = new Map(recent.map((job) => [job.job_id, job]));
  for (const job of active) follow(job.job_id, { ...job, ...known.get(job.job_id) });
  const putAway = new Set(store.get("put-away") ?? []);
  for (const job of recent.reverse()) {
    const isNews = job.status === "failed" && Date.now() - new Date(job.completed_at) < RECENT_FAILURE;
    if (isNews && !putAway.has(job.job_id) && !cards.has(job.job_id)) fail(add(job.job_id, job), job);
  }
}

// Show the card of a job at work, and go on asking how it stands.
export function follow(jobId, asked) {
  if (cards.has(jobId)) return;
  add(jobId, asked);
  live.watch(jobId);
}

// A stream that is resumed tells of all that ended since, which may be hundreds.
function stranger({ job_id: jobId, status }) {
  if (cards.has(jobId) || status === "cancelled") return;
  if (!strangers.size) setTimeout(meetStrangers, GATHERING);
  strangers.set(jobId, status);
}

function meetStrangers() {
  const completed = [...strangers].filter(([, status]) => status === "completed");
  if (completed.length < strangers.size) load().catch(() => {});
  strangers.clear();
  if (completed.length === 1) finish(completed[0][0]);
  else if (completed.length) handlers.completed(null, {});
}

function add(jobId, asked) {
  const card = {
    asked,
    status: "",
    item: element("li", { className: "job card", data: { id: jobId, status: "queued" } }),
  };
  const label = `Progress of: ${words.shorten(asked.prompt)}`;
  card.item.append(
    art(asked),
    element(
      "div",
      { className: "job-body" },
      element("p", { className: "prompt", textContent: asked.prompt }),
      element("p", { className: "hint job-asked", textContent: describe(asked) }),
      element("progress", { max: 1, value: 0, ariaLabel: label }),
      element(
        "p",
        { className: "job-state" },
        element("span", { className: "job-step", textContent: "Waiting" }),
        element("span", { className: "job-left" }),
      ),
    ),
    element("div", { className: "job-actions" }),
  );
  cards.set(jobId, card);
  at("jobs").prepend(card.item);
  at("jobs-section").hidden = false;
  return card;
}

function art({ aspect_ratio: shape, generation_type: kind }) {
  const drawn = element(
    "div",
    { className: "job-art", ariaHidden: "true" },
    icon(kind === options.IMAGE ? "picture" : "film"),
  );
  const [width, height] = (shape || "16:9").split(":").map(Number);
  drawn.style.aspectRatio = `${width} / ${height}`;
  drawn.style.setProperty("--ratio", width / height);
  return drawn;
}

function describe({ duration, resolution, aspect_ratio: shape }) {
  return [words.DURATIONS[duration], words.RESOLUTIONS[resolution], shape].filter(Boolean).join(" · ");
}

function show(job) {
  const card = cards.get(job.job_id);
  if (!card) return;
  const isNew = job.status !== card.status;
  if (isNew && job.status !== "queued") handlers.moneyMoved();
  card.status = card.item.dataset.status = job.status;
  if (job.status === "completed") return finish(job.job_id);
  if (job.status === "failed") return fail(card, job);
  if (job.status === "cancelled") return cancelled(card, job);
  if (isNew && job.status === "processing") announce(`Making: ${words.shorten(card.asked.prompt)}`);
  if (job.status === "queued") lookForWorkers();
  const left = job.generation_info.estimated_remaining_seconds;
  const isWaiting = job.status === "queued" && !isStaffed;
  card.item.querySelector("progress").value = job.progress;
  card.item.querySelector(".job-step").textContent = isWaiting ? UNSTAFFED : step(job);
  card.item.querySelector(".job-left").textContent =
    left && !isWaiting ? `about ${words.spell(left, "s")} left` : "";
  showCancel(card, job);
}

// An estimate is of no worth while nothing works on the queue.
async function lookForWorkers() {
  if (Date.now() - lookedAt < LOOK_AGAIN) return;
  lookedAt = Date.now();
  const answer = await call("/videos/stats").catch(() => null);
  isStaffed = answer?.body.is_running ?? true;
}

function step({ status, progress, generation_info: { current_step: text, queue_position: ahead } }) {
  if (text === CANCELLING) return "Cancelling…";
  if (status === "queued") return `${text} · ${ahead ? `${words.count(ahead)} ahead` : "next"}`;
  const share = status === "processing" ? ` · ${Math.round(progress * 100)} %` : "";
  return `${words.capitalise(text || status)}${share}`;
}

// --- cancelling -----------------------------------------------------------------------------------------

function showCancel(card, job) {
  const { current_step: text, model_used: model } = job.generation_info;
  const isPossible = job.status === "queued" || options.canBeStopped(model);
  const place = card.item.querySelector(".job-actions");
  if (!isPossible || text === CANCELLING) return replaceActions(card);
  if (place.childElementCount) return;
  const label = `Cancel: ${words.shorten(card.asked.prompt)}`;
  place.append(
    button("Cancel", { ariaLabel: label, onclick: (event) => cancel(card, job.job_id, event.currentTarget) }),
  );
}

async function cancel(card, jobId, pressed) {
  pressed.disabled = true;
  try {
    const { body, status } = await send("DELETE", `/videos/jobs/${jobId}`);
    if (status === 202) show(body);
    live.ask(jobId);
  } catch (problem) {
    toasts.problem(problem.message);
    pressed.disabled = false;
    live.ask(jobId);
  }
}

function cancelled(card, job) {
  remove(job.job_id);
  toasts.show(`Cancelled. ${words.outcome(job.dust, job.cost)}`);
}

// --- ends -----------------------------------------------------------------------------------------------

async function finish(jobId) {
  const card = cards.get(jobId);
  const video = await call(`/videos/jobs/${jobId}/result`).then(
    ({ body }) => body.video,
    () => null,
  );
  const hadFocus = card?.item.contains(document.activeElement);
  remove(jobId);
  if (video) announce(`Your video is ready: ${words.shorten(video.prompt)}`);
  handlers.completed(video, { hadFocus });
}

function fail(card, job) {
  const jobId = job.job_id;
  card.item.dataset.status = "failed";
  card.item.querySelector("progress")?.remove();
  card.item.querySelector(".job-art").replaceChildren(icon("alert"));
  const text = `${job.error} ${words.outcome(job.dust, job.cost)}`;
  card.item
    .querySelector(".job-state")
    .replaceChildren(element("span", { className: "job-step", textContent: text }));
  if (card.status) announce(`A video could not be made: ${words.shorten(card.asked.prompt)}. ${text}`);
  const name = words.shorten(card.asked.prompt);
  replaceActions(
    card,
    button("Change and try again", {
      ariaLabel: `Change and try again: ${name}`,
      onclick: () => handlers.again(card.asked),
    }),
    button("Put away", { look: "quiet", ariaLabel: `Put away: ${name}`, onclick: () => putAway(jobId) }),
  );
}

function putAway(jobId) {
  store.set("put-away", [...(store.get("put-away") ?? []), jobId].slice(-100));
  remove(jobId);
  at("prompt").focus();
}

function drop(jobId) {
  remove(jobId);
  handlers.moneyMoved();
}

// Whoever stood on a button that goes does not fall to the top of the page.
function replaceActions(card, ...buttons) {
  const place = card.item.querySelector(".job-actions");
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...buttons);
  if (!hadFocus) return;
  card.item.tabIndex = -1;
  (buttons[0] ?? card.item).focus();
}

function remove(jobId) {
  const card = cards.get(jobId);
  if (!card) return;
  const hadFocus = card.item.contains(document.activeElement);
  cards.delete(jobId);
  card.item.remove();
  at("jobs-section").hidden = !cards.size;
  if (hadFocus) at("prompt").focus();
}
