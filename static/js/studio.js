// The studio page: submit, follow, play. It talks to the public API only.

import { call, submit } from "./api.js";

const at = (id) => document.getElementById(id);
const order = at("order");
const followed = new Map(); // job id -> its list item

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function say(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

async function showBalance() {
  const { body } = await call("/dust/balance");
  at("balance").textContent = body.held
    ? `${body.available} DUST (${body.held} held)`
    : `${body.available} DUST`;
}

async function showModels() {
  const { body } = await call("/videos/models");
  at("model").replaceChildren(
    ...body.map((model) => element("option", { value: model.model, textContent: model.title })),
  );
}

async function showQuote() {
  const asked = new URLSearchParams({
    generation_type: at("image").files.length ? "image_to_video" : "text_to_video",
    duration: at("duration").value,
    resolution: at("resolution").value,
    model: at("model").value,
  });
  const { body } = await call(`/videos/quote?${asked}`);
  at("quote").textContent = `Costs ${body.cost} DUST, takes about ${spell(body.estimated_completion_seconds)}.`;
  at("aspect_ratio").disabled = asked.get("generation_type") === "image_to_video";
}

function spell(seconds) {
  return seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}

async function send(event) {
  event.preventDefault();
  say("");
  const button = order.querySelector("button");
  button.disabled = true;
  try {
    const { body } = await ask(new FormData(order), crypto.randomUUID());
    follow(body.job_id, order.prompt.value);
    order.prompt.value = "";
  } catch (problem) {
    say(problem.message);
  } finally {
    button.disabled = false;
    await showBalance();
  }
}

function ask(form, key) {
  if (form.get("image").size) {
    form.delete("aspect_ratio");
    return submit("/videos/animate", form, key);
  }
  form.delete("image");
  return submit("/videos/generate", Object.fromEntries(form), key);
}

function follow(jobId, prompt) {
  if (followed.has(jobId)) return;
  const item = element("li", { className: "job" });
  item.append(
    element("p", { className: "job-prompt", textContent: prompt }),
    element("progress", { max: 1, value: 0, ariaLabel: "Progress" }),
    element("p", { className: "hint job-state", textContent: "queued" }),
  );
  followed.set(jobId, item);
  at("jobs").prepend(item);
  at("no-jobs").hidden = true;
  poll(jobId, item);
}

async function poll(jobId, item) {
  let wait = 5;
  try {
    const { body, retryAfter } = await call(`/videos/jobs/${jobId}/status`);
    show(body, item);
    if (["completed", "failed", "cancelled"].includes(body.status)) {
      await Promise.all([showBalance(), body.status === "completed" && showLibrary()]);
      return;
    }
    wait = Math.min(retryAfter, 2);
  } catch (problem) {
    item.querySelector(".job-state").textContent = `${problem.message} Trying again.`;
  }
  setTimeout(() => poll(jobId, item), wait * 1000);
}

const ENDS = {
  completed: "Done.",
  cancelled: "Cancelled. The DUST was released.",
};

function show(job, item) {
  const info = job.generation_info;
  item.dataset.status = job.status;
  item.querySelector("progress").value = job.progress;
  const left = info.estimated_remaining_seconds;
  const queued = info.queue_position ? `, ${info.queue_position} ahead` : "";
  item.querySelector(".job-state").textContent =
    ENDS[job.status] ??
    (job.status === "failed"
      ? `${job.error} Your ${job.cost} DUST were given back.`
      : `${info.current_step}${queued}, about ${spell(left)} left`);
  const cancel = item.querySelector("button");
  if (job.status === "queued" && !cancel) item.append(cancelButton(job.job_id, item));
  if (job.status !== "queued") cancel?.remove();
  if (ENDS[job.status] || job.status === "failed") item.querySelector("progress").remove();
}

function cancelButton(jobId, item) {
  const button = element("button", { type: "button", className: "button plain", textContent: "Cancel" });
  button.addEventListener("click", async () => {
    try {
      await call(`/videos/jobs/${jobId}`, { method: "DELETE" });
    } catch (problem) {
      item.querySelector(".job-state").textContent = problem.message;
    }
  });
  return button;
}

async function showLibrary() {
  const { body } = await call("/videos?limit=24");
  const shown = new Set([...at("library").children].map((item) => item.dataset.id));
  const fresh = body.videos.filter((video) => !shown.has(video.id)).map(card);
  at("library").prepend(...fresh);
  at("no-videos").hidden = body.videos.length > 0;
}

function card(video) {
  const player = element("video", {
    src: video.url,
    poster: video.thumbnail_url,
    controls: true,
    preload: "none",
    playsInline: true,
    loop: true,
  });
  player.style.aspectRatio = `${video.width} / ${video.height}`;
  const remove = element("button", { type: "button", className: "button quiet", textContent: "Delete" });
  const item = element(
    "li",
    {},
    player,
    element("p", { className: "job-prompt", textContent: video.prompt }),
    element("p", { className: "hint", textContent: `${video.width} × ${video.height}, ${video.duration_seconds} s` }),
    remove,
  );
  item.dataset.id = video.id;
  remove.addEventListener("click", async () => {
    if (!confirm("Delete this video? It cannot be brought back.")) return;
    await call(`/videos/${video.id}`, { method: "DELETE" }).then(() => item.remove(), (problem) => say(problem.message));
  });
  return item;
}

async function begin() {
  order.addEventListener("submit", send);
  order.addEventListener("change", () => showQuote().catch((problem) => say(problem.message)));
  const { body } = await call("/videos/jobs/active");
  body.active_jobs.forEach((job) => follow(job.job_id, job.prompt));
  await Promise.all([showBalance(), showModels().then(showQuote), showLibrary()]);
}

begin().catch((problem) => say(problem.message));
