// The picture that a video may start from: chosen, dropped or pasted, checked, and shown.

import { announce, at } from "./dom.js";
import * as store from "./store.js";

const TYPES = new Set(["image/jpeg", "image/png", "image/webp", "image/avif"]);
const LARGEST = 20 * 1024 * 1024; // bytes: what the API takes
const PREVIEW_HEIGHT = 360; // pixels

let picture = null;
let onChange = () => {};
let onRefusal = () => {};

export async function start({ changed, refused }) {
  [onChange, onRefusal] = [changed, refused];
  at("image").addEventListener("change", () => take(at("image").files[0]));
  at("remove-picture").addEventListener("click", () => {
    remove();
    at("image").focus();
  });
  document.addEventListener("paste", (event) => {
    const pasted = [...event.clipboardData.files].find(isPicture);
    if (!pasted) return;
    event.preventDefault();
    take(pasted);
  });
  listenForDrops();
  store.removeOldPictures();
  const kept = await store.getPicture();
  if (kept && !picture) await take(kept);
}

export function current() {
  return picture;
}

export function remove() {
  picture = null;
  at("image").value = "";
  at("preview").hidden = true;
  at("picker").hidden = false;
  store.removePicture();
  onChange();
}

export async function take(file) {
  if (!file || at("picture-field").hidden) return;
  const refusal = await refusalOf(file);
  at("image").value = ""; // so that the same file can be chosen again
  if (refusal) return onRefusal(refusal);
  await store.setPicture(file); // before it is shown: a reload keeps it then, where the browser keeps any
  picture = file;
  at("picture-name").textContent = file.name;
  at("preview").hidden = false;
  at("picker").hidden = true;
  announce(`${file.name} will be brought to life.`);
  onChange();
}

// Why it can't be used, or "" after drawing it. On a canvas: the page's policy allows no address for it.
async function refusalOf(file) {
  if (!isPicture(file)) return "That file is no picture we can use. Choose a JPEG, PNG, WebP or AVIF.";
  if (file.size > LARGEST) return "That picture is larger than 20 MB. Choose a smaller one.";
  try {
    const bitmap = await createImageBitmap(file, { resizeHeight: PREVIEW_HEIGHT, resizeQuality: "medium" });
    const canvas = at("preview-canvas");
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.ariaLabel = `The picture ${file.name}`;
    return "";
  } catch {
    return "That picture can't be read. It may be damaged; choose another one.";
  }
}

function isPicture(file) {
  return TYPES.has(file.type);
}

function listenForDrops() {
  let depth = 0; // entering a child comes before leaving its parent
  const turn = (by) => {
    depth = Math.max(0, depth + by);
    document.body.classList.toggle("is-dropping", depth > 0);
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && !at("picture-field").hidden;
  document.addEventListener("dragenter", (event) => hasFiles(event) && turn(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && turn(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    turn(-depth);
    take(event.dataTransfer.files[0]);
  });
}
