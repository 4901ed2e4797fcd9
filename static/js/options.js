// What can be chosen: only what the chosen model can do, with what it costs and how long it takes.

import { call, insist } from "./api.js";
import { at, element } from "./dom.js";
import { DURATIONS, RESOLUTIONS, dust, spell } from "./words.js";

export const [TEXT, IMAGE] = ["text_to_video", "image_to_video"];
const GROUPS = {
  duration: { ability: "durations", usual: "short", label: (value) => DURATIONS[value] },
  resolution: { ability: "resolutions", usual: "hd_720p", label: (value) => RESOLUTIONS[value] },
  aspect_ratio: { ability: "aspect_ratios", usual: "16:9", label: (value) => value },
};
const QUOTE_DELAY = 200; // milliseconds: arrow keys run through the choices
const TALLEST = 20; // pixels of the little frame that shows a shape

let models = [];
let kind = TEXT;
let wanted = {};
let quoteTimer = 0;
let quoted = 0; // counts the quotes asked for: only the newest is shown
let onChange = () => {};

// Load the models. `values` are what was chosen before; `changed` is called after every choice.
export async function start(values, changed) {
  [wanted, onChange] = [values, changed];
  models = await insist("/videos/models");
  at("options").addEventListener("change", () => show());
  at("picture-field").hidden = !models.some(({ generation_types }) => generation_types.includes(IMAGE));
  show({ afresh: true });
}

export function chosen() {
  const values = { model: at("model").value };
  for (const name of Object.keys(GROUPS)) {
    const ticked = at("order").querySelector(`input[name="${name}"]:checked`);
    if (ticked) values[name] = ticked.value;
  }
  return values;
}

export function choose(values) {
  wanted = values;
  show({ afresh: true });
}

export function setKind(value) {
  kind = value;
  show();
}

// The DUST of what is chosen now; null before the models are known.
export function price() {
  const { duration, resolution } = chosen();
  return model()?.prices[kind]?.[resolution]?.[duration] ?? null;
}

export function canBeStopped(alias) {
  return models.find((one) => one.model === alias)?.cancellable_while_running ?? false;
}

function model() {
  return models.find((one) => one.model === at("model").value);
}

// Draw the choices again, keeping what was chosen wherever it still can be.
function show({ afresh = false } = {}) {
  if (!models.length) return;
  const now = afresh ? wanted : { ...wanted, ...chosen() };
  const able = models.filter((one) => one.generation_types.includes(kind));
  at("model").replaceChildren(
    ...able.map(({ model: value, title }) => element("option", { value, textContent: title })),
  );
  at("model").value = (able.find((one) => one.model === now.model) ?? able[0]).model;
  at("model-field").hidden = models.length < 2;
  for (const [name, group] of Object.entries(GROUPS)) drawGroup(name, group, now[name]);
  at("aspect_ratio").hidden = kind === IMAGE;
  at("shape-note").hidden = kind !== IMAGE;
  at("options").removeAttribute("aria-busy");
  wanted = now; // a choice that this model can't do comes back with one that can
  showQuote();
  onChange();
}

function drawGroup(name, { ability, usual, label }, value) {
  const able = model()[ability];
  const ticked = [value, usual].find((one) => able.includes(one)) ?? able[0];
  const place = at(name).querySelector(".choices");
  const drawn = [...place.querySelectorAll("input")].map((input) => input.value);
  if (drawn.join() !== able.join())
    place.replaceChildren(...able.map((one) => choice(name, one, label(one))));
  place.querySelector(`input[value="${ticked}"]`).checked = true;
}

function choice(name, value, text) {
  const input = element("input", { type: "radio", name, value });
  const face = element("span", { className: "choice-face" }, text);
  if (name === "aspect_ratio") face.prepend(frame(value));
  return element("label", { className: "choice" }, input, face);
}

function frame(shape) {
  const [width, height] = shape.split(":").map(Number);
  const drawn = element("span", { className: "frame" });
  const scale = TALLEST / Math.max(width, height);
  drawn.style.width = `${width * scale}px`;
  drawn.style.height = `${height * scale}px`;
  return drawn;
}

// Called after each choice, and when the queue has changed.
export function showQuote() {
  const cost = price();
  at("price").textContent = cost === null ? "" : dust(cost);
  clearTimeout(quoteTimer);
  quoteTimer = setTimeout(askQuote, QUOTE_DELAY);
}

async function askQuote() {
  quoted += 1;
  const mine = quoted;
  const { aspect_ratio: _, ...asked } = { ...chosen(), generation_type: kind };
  const answer = await call(`/videos/quote?${new URLSearchParams(asked)}`).catch(() => null);
  if (mine !== quoted) return;
  const seconds = answer?.body.estimated_completion_seconds;
  at("quote").textContent = seconds ? `Ready in about ${spell(seconds)}` : "";
}
