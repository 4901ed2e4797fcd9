// The studio page: puts its parts together. It talks to the public API only.

import { call } from "./api.js";
import * as connection from "./connection.js";
import { at, icon } from "./dom.js";
import * as dust from "./dust.js";
import * as jobs from "./jobs.js";
import * as library from "./library.js";
import * as order from "./order.js";
import * as player from "./player.js";
import * as toasts from "./toasts.js";

const MONEY_DELAY = 150; // milliseconds
const LENGTHS = { 5: "short", 10: "medium", 15: "long" }; // seconds of a video -> what orders call it

let moneyTimer = 0;

// Parts load beside each other: a slow or failing one keeps no other from working.
function begin() {
  for (const place of document.querySelectorAll("[data-icon]")) place.prepend(icon(place.dataset.icon));
  connection.start(() => call("/dust/balance"));
  connection.onReturn(() => [jobs.load, library.load, dust.refresh].forEach(attempt));
  player.start({
    favourite: library.favourite,
    remove: library.remove,
    again: another,
    renew: library.renewed,
  });
  attempt(() => order.start({ accepted }));
  attempt(() => dust.start(order.setAvailable));
  attempt(() => library.start({ play: player.open, again: another }));
  attempt(() => jobs.start({ completed, again: order.fill, moneyMoved }));
}

function attempt(part) {
  part().catch((problem) => toasts.problem(problem.message));
}

// Many jobs may move at once, as when the page begins.
function moneyMoved() {
  clearTimeout(moneyTimer);
  moneyTimer = setTimeout(() => attempt(dust.refresh), MONEY_DELAY);
}

function accepted({ job_id: jobId }, asked) {
  jobs.follow(jobId, asked);
  attempt(dust.refresh);
}

function completed(video, { hadFocus }) {
  if (!video) return attempt(library.load);
  library.add(video);
  if (hadFocus) library.focus(video.id);
}

// The form, filled with what this video was made from; its picture is fetched again.
async function another(video) {
  const image = video.source_image_url ? await download(video.source_image_url) : null;
  await order.fill({ ...video, image, duration: LENGTHS[video.duration_seconds], model: video.model_used });
}

async function download(address) {
  try {
    const response = await fetch(address);
    if (!response.ok) return null;
    const bytes = await response.blob();
    return new File([bytes], "picture", { type: bytes.type });
  } catch {
    return null;
  }
}

begin();
