// One video in the grid: its poster, which moves while a pointer or the focus is on it, and what can be done with it.

import { call } from "./api.js";
import { element, icon, iconButton } from "./dom.js";
import * as words from "./words.js";

const REST_BEFORE_PLAYING = 150; // milliseconds: a pointer on its way elsewhere starts nothing
const RENEW_SECONDS = 60;
const stills = matchMedia("(prefers-reduced-motion: reduce)");
const renewals = new Map(); // video id -> when its addresses were asked for last

export async function renew(id) {
  if (Date.now() - (renewals.get(id) ?? 0) < RENEW_SECONDS * 1000) return null;
  renewals.set(id, Date.now());
  return (await call(`/videos/${id}`)).body.video;
}

// `play`, `again`, `favourite`, `remove` and `broken` are called when they are asked for, or happen.
export function makeTile(video, called) {
  const poster = element("button", { type: "button", className: "poster is-loading", onclick: called.play });
  const tile = { video, item: element("li", { className: "tile", data: { id: video.id } }) };
  const heart = iconButton("heart", "Favourite", {
    className: "icon-button heart",
    onclick: called.favourite,
  });
  const save = element("a", { className: "icon-button", title: "Download" }, icon("download"));
  tile.item.append(
    poster,
    element(
      "div",
      { className: "tile-foot" },
      element("p", { className: "prompt", textContent: video.prompt }),
      element(
        "div",
        { className: "tile-line" },
        element("span", { className: "hint", textContent: words.ago(video.created_at) }),
        element(
          "span",
          { className: "tile-actions" },
          heart,
          save,
          iconButton("again", "Make another like this", { onclick: called.again }),
          iconButton("trash", "Delete", { onclick: called.remove }),
        ),
      ),
    ),
  );
  name(tile.item, poster, video);
  tile.update = (fresh) => update(tile, { poster, heart, save }, fresh, called);
  moveWhileLookedAt(tile, poster);
  return tile;
}

function name(item, poster, { prompt }) {
  const short = words.shorten(prompt);
  poster.ariaLabel = `Play: ${short}`;
  for (const control of item.querySelectorAll(".icon-button"))
    control.ariaLabel = `${control.title}: ${short}`;
}

function update(tile, { poster, heart, save }, video, called) {
  const isNewPoster = poster.dataset.address !== video.thumbnail_url;
  tile.video = Object.assign(tile.video, video);
  heart.ariaPressed = String(video.is_favorited);
  Object.assign(save, { href: video.url, download: "" }); // the server names it
  if (!isNewPoster) return;
  poster.dataset.address = video.thumbnail_url;
  poster.replaceChildren(
    ...["poster-ground", "poster-picture"].map((className) => still(className, video, poster, called)),
    element("span", { className: "poster-play" }, icon("play")),
    element("span", { className: "poster-length", textContent: `${video.duration_seconds} s` }),
  );
}

function still(className, video, poster, called) {
  const picture = element("img", {
    className,
    alt: "",
    loading: "lazy",
    decoding: "async",
    draggable: false,
  });
  picture.addEventListener("load", () => poster.classList.remove("is-loading"));
  if (className === "poster-picture") picture.addEventListener("error", called.broken);
  picture.src = video.thumbnail_url;
  return picture;
}

// Muted, and only the one that is looked at: the file is fetched when it is.
function moveWhileLookedAt(tile, poster) {
  let timer = 0;
  const begin = () => {
    clearTimeout(timer);
    if (stills.matches || navigator.connection?.saveData || poster.querySelector("video")) return;
    timer = setTimeout(() => poster.append(moving(tile.video)), REST_BEFORE_PLAYING);
  };
  const end = () => {
    clearTimeout(timer);
    if (poster.matches(":hover, :focus-visible")) return;
    poster.querySelector("video")?.remove();
  };
  poster.addEventListener("click", () => {
    // the player takes over
    clearTimeout(timer);
    poster.querySelector("video")?.remove();
  });
  poster.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && begin());
  poster.addEventListener("pointerleave", end);
  poster.addEventListener("focus", () => poster.matches(":focus-visible") && begin());
  poster.addEventListener("blur", end);
}

function moving(video) {
  const player = element("video", {
    muted: true,
    loop: true,
    playsInline: true,
    className: "poster-moving",
    ariaHidden: "true",
    tabIndex: -1,
  });
  player.addEventListener("playing", () => player.classList.add("is-playing"));
  player.src = video.url;
  player.play().catch(() => {}); // taken away before it began, or not allowed: the poster stays
  return player;
}
