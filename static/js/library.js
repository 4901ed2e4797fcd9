// The grid of finished videos: pages of it, favourites, and deleting with a way back.

import { call, insist, send } from "./api.js";
import { announce, at } from "./dom.js";
import { makeTile, renew } from "./tile.js";
import * as toasts from "./toasts.js";
import * as words from "./words.js";

const PAGE = 24;
const UNDO_SECONDS = 8;
const FRESH = 3_600_000; // milliseconds: signed addresses work for some hours, and a download tells nobody of its end
const tiles = new Map(); // video id -> { video, item }
const leaving = new Map(); // video id -> { tile, toast, isSent }: deleted to the eye, not yet on the server

let onlyFavourites = false;
let total = 0;
let loadedAt = 0;
let generation = 0; // of the list: an answer for an earlier one is thrown away
let handlers = {};

// `play(video)` and `again(video)` are called when they are asked for.
export async function start(called) {
  handlers = called;
  for (const choice of at("filters").querySelectorAll("button"))
    choice.addEventListener("click", () => filter(choice));
  at("more").addEventListener("click", showMore);
  window.addEventListener("pagehide", deleteNow);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - loadedAt > FRESH) load().catch(() => {});
  });
  await load();
}

// Show the list from its beginning.
export async function load() {
  generation += 1;
  const mine = generation;
  const page = await insist(address(0, Math.min(Math.max(PAGE, tiles.size), 100)));
  if (mine !== generation) return;
  loadedAt = Date.now();
  const kept = new Set(page.videos.map(({ id }) => id));
  for (const id of tiles.keys()) if (!kept.has(id)) take(id);
  let place = at("library").firstElementChild;
  for (const video of page.videos.filter(({ id }) => !leaving.has(id))) {
    const { item } = put(video, place); // what is in its place already is not moved: it may have the focus
    if (item === place) place = item.nextElementSibling;
  }
  settle(page.pagination);
}

// Show a video that was just made.
export function add(video) {
  if (tiles.has(video.id) || leaving.has(video.id) || (onlyFavourites && !video.is_favorited)) return;
  put(video, at("library").firstElementChild).item.classList.add("is-new");
  total += 1;
  showCount();
}

export function focus(id) {
  (tiles.get(id)?.item.querySelector(".poster") ?? at("library-heading")).focus();
}

export async function favourite(video) {
  const wanted = !video.is_favorited;
  try {
    const { body } = await send("PUT", `/videos/${video.id}`, { is_favorited: wanted });
    tiles.get(video.id)?.update(Object.assign(video, body.video));
    announce(wanted ? "Added to your favourites." : "Removed from your favourites.");
  } catch (problem) {
    return failed(problem, video.id);
  }
  if (onlyFavourites && !wanted) lose(video.id);
}

// Take a video away; the server is asked when nobody has taken it back in time.
export function remove(video, { byKeyboard = false } = {}) {
  const tile = tiles.get(video.id);
  if (!tile) return;
  const next = tile.item.nextElementSibling;
  const toast = toasts.show(`Deleted: ${words.shorten(video.prompt, 40)}`, {
    action: "Undo",
    seconds: UNDO_SECONDS,
    onAction: () => undo(video.id),
    onEnd: (hadFocus) => {
      if (hadFocus) focusNear(next);
      deleteOne(video.id);
    },
  });
  leaving.set(video.id, { tile, toast });
  lose(video.id);
  if (byKeyboard) toast.element.querySelector(".toast-action").focus();
}

function undo(id) {
  bringBack(id);
  focus(id);
  announce("The video is back.");
}

function bringBack(id) {
  const { tile } = leaving.get(id);
  leaving.delete(id);
  if (onlyFavourites && !tile.video.is_favorited) return;
  const older = [...at("library").children].find(({ dataset }) =>
    isOlder(tiles.get(dataset.id)?.video, tile.video),
  );
  tiles.set(id, tile);
  at("library").insertBefore(tile.item, older ?? null);
  total += 1;
  showCount();
}

// As the server orders them: by time, and at the same time by id.
function isOlder(one, other) {
  if (one?.created_at !== other.created_at) return one?.created_at < other.created_at;
  return one.id < other.id;
}

async function deleteOne(id) {
  const left = leaving.get(id);
  if (left.isSent) return;
  left.isSent = true;
  try {
    await call(`/videos/${id}`, { method: "DELETE", keepalive: true });
    leaving.delete(id);
  } catch (problem) {
    if (problem.status === 404) return leaving.delete(id); // gone already, which is what was wanted
    bringBack(id);
    toasts.problem(`${words.shorten(left.tile.video.prompt, 40)} could not be deleted. ${problem.message}`);
  }
}

// The page may be about to go: what was deleted must not come back with the next one.
function deleteNow() {
  for (const [id, { toast }] of leaving) {
    toast.close();
    deleteOne(id);
  }
}

// --- the list -------------------------------------------------------------------------------------------

function address(offset, limit) {
  return `/videos?${new URLSearchParams({ limit, offset, favorites_only: onlyFavourites })}`;
}

// How many the server still counts in this list that are not shown any more.
function leavingHere() {
  const all = [...leaving.values()];
  return all.filter(({ tile }) => !onlyFavourites || tile.video.is_favorited).length;
}

async function showMore() {
  const mine = generation;
  at("more").ariaBusy = "true";
  try {
    const { body } = await call(address(tiles.size + leavingHere(), PAGE));
    if (mine !== generation) return;
    const fresh = body.videos
      .filter(({ id }) => !tiles.has(id) && !leaving.has(id))
      .map((video) => put(video, null));
    settle(body.pagination);
    fresh[0]?.item.querySelector(".poster").focus();
  } catch (problem) {
    toasts.problem(problem.message);
  } finally {
    at("more").ariaBusy = "false";
  }
}

function filter(choice) {
  onlyFavourites = choice.dataset.filter === "favourites";
  for (const one of at("filters").querySelectorAll("button")) one.ariaPressed = String(one === choice);
  at("library").ariaBusy = "true";
  load().catch((problem) => toasts.problem(problem.message));
}

// Show a video before the tile `place`, or at the end, and return its tile.
function put(video, place) {
  const tile = tiles.get(video.id) ?? make(video);
  tile.update(video);
  if (tile.item !== place) at("library").insertBefore(tile.item, place);
  return tile;
}

function make(video) {
  const tile = makeTile(video, {
    play: () => handlers.play(tile.video),
    again: () => handlers.again(tile.video),
    favourite: () => favourite(tile.video),
    remove: (event) => remove(tile.video, { byKeyboard: event.detail === 0 }),
    broken: () => renewed(video.id),
  });
  tiles.set(video.id, tile);
  return tile;
}

// Addresses are signed for some hours only; a page that stays open longer asks for new ones.
export async function renewed(id) {
  const fresh = await renew(id).catch((problem) => void (problem.status === 404 && lose(id)));
  if (fresh) tiles.get(id)?.update(fresh);
  return fresh;
}

function failed(problem, id) {
  if (problem.status === 404) lose(id);
  toasts.problem(problem.status === 404 ? "That video is not there any more." : problem.message);
}

// Whoever was on it does not fall to the top of the page.
function take(id) {
  const { item } = tiles.get(id);
  const hadFocus = item.contains(document.activeElement);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  tiles.delete(id);
  item.remove();
  if (hadFocus) focusNear(next);
}

function focusNear(item) {
  const near = item?.isConnected ? item : at("library").lastElementChild;
  (near?.querySelector(".poster") ?? at("library-heading")).focus({ preventScroll: true });
}

function lose(id) {
  if (!tiles.has(id)) return;
  take(id);
  total -= 1;
  showCount();
}

function settle({ total: all, has_more: hasMore }) {
  total = all - leavingHere();
  at("library")
    .querySelectorAll(".skeleton")
    .forEach((item) => item.remove());
  at("library").ariaBusy = "false";
  at("more").hidden = !hasMore;
  showCount();
}

function showCount() {
  at("library-count").textContent = total ? words.count(total) : "";
  at("no-videos").hidden = total > 0 || onlyFavourites;
  at("no-favourites").hidden = total > 0 || !onlyFavourites;
}
