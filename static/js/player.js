// The player: a video large and with sound, and what can be done with it.

import { at, closeOnBackdrop, openDialog } from "./dom.js";
import * as words from "./words.js";

let shown = null;
let renewed = null;

// `favourite`, `again` and `remove` are called with the video when they are asked for; `renew` gets it by its id.
export function start({ favourite, again, remove, renew }) {
  renewed = renew;
  const dialog = at("player");
  closeOnBackdrop(dialog);
  dialog.addEventListener("close", stop);
  at("player-close").addEventListener("click", () => dialog.close());
  at("player-heart").addEventListener("click", async () => {
    await favourite(shown);
    showHeart();
  });
  at("player-again").addEventListener("click", () => leaveFor(again));
  at("player-delete").addEventListener("click", () =>
    leaveFor((video) => remove(video, { byKeyboard: true })),
  );
  at("player-video").addEventListener("error", replaceAddress);
}

export function open(video) {
  shown = video;
  const player = at("player-video");
  player.poster = video.thumbnail_url;
  player.style.aspectRatio = `${video.width} / ${video.height}`;
  player.src = video.url;
  at("player-title").textContent = video.prompt;
  at("player-about").textContent = describe(video);
  at("player-download").href = video.url;
  at("player-problem").hidden = true;
  showHeart();
  openDialog(at("player"));
  player.focus();
  player.play().catch(() => {}); // the browser wants a press on its own button first
}

function describe({ duration_seconds: seconds, width, height, model_used: model, created_at: made }) {
  return `${seconds} s · ${width} × ${height} · ${model} · ${words.ago(made)}`;
}

// After the dialog has closed, and the focus has gone back to where it was.
function leaveFor(action) {
  const video = shown;
  at("player").addEventListener("close", () => action(video), { once: true });
  at("player").close();
}

function stop() {
  const player = at("player-video");
  player.pause();
  player.removeAttribute("src");
  player.load(); // lets go of the connection
}

function showHeart() {
  at("player-heart").ariaPressed = String(shown.is_favorited);
}

// The address may have expired, in a page that was open for long; once is enough to tell.
async function replaceAddress() {
  if (!at("player-video").hasAttribute("src")) return;
  const fresh = await renewed(shown.id);
  if (!fresh) return void (at("player-problem").hidden = false);
  Object.assign(shown, fresh);
  at("player-video").src = at("player-download").href = fresh.url;
  at("player-video")
    .play()
    .catch(() => {});
}
