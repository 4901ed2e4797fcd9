// The order form: what is asked for, whether it can be paid, and sending it exactly once.

import { submit } from "./api.js";
import { announce, at, element } from "./dom.js";
import * as options from "./options.js";
import * as picture from "./picture.js";
import * as store from "./store.js";
import * as words from "./words.js";

const IDEAS = [
  "Northern lights over a quiet fjord, slow zoom out",
  "A paper boat drifts down a rain-lit street at dusk",
  "Neon city at night in the rain, camera rises",
  "A forest in autumn with falling leaves, slow pan left",
  "Snow over a mountain village, dolly in",
  "A desert under the stars, tilt up",
  "Calm sea at sunset, slow zoom in",
];
const IDEAS_SHOWN = 4;
const KEY_REUSED = "idempotency_key_reused"; // what was made under the key was charged
const GO_ON_WITHIN = 600_000; // milliseconds: in a tab that a browser brings back next day nobody expects it

let available = null; // DUST that can be spent
let isSending = false;
let onAccepted = () => {};

// `accepted` is called with the receipt of a new job, and what was asked for.
export async function start({ accepted }) {
  onAccepted = accepted;
  const draft = store.get("draft") ?? {};
  at("prompt").value = draft.prompt ?? "";
  showIdeas();
  at("order").addEventListener("submit", (event) => {
    event.preventDefault();
    order();
  });
  at("prompt").addEventListener("input", keepDraft);
  at("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("order").requestSubmit();
  });
  await picture.start({ changed: pictureChanged, refused: complain });
  await options.start(draft.options ?? {}, () => {
    keepDraft();
    showFunds();
  });
  await goOn();
}

// A reload came while an order was on its way: send it again, under the same key.
async function goOn() {
  const waiting = store.get("pending");
  if (!waiting?.isOnItsWay || Date.now() - waiting.at > GO_ON_WITHIN) return;
  const file = waiting.asked.picture ? picture.current() : null;
  if (waiting.asked.picture !== trace(file)) return store.remove("pending"); // the browser kept no copy of it
  await send(waiting, file);
}

export function setAvailable(dust) {
  available = dust;
  showFunds();
}

// Put an earlier order into the form, to be changed or sent again.
export async function fill({
  prompt,
  image,
  generation_type: kind,
  model,
  duration,
  resolution,
  aspect_ratio,
}) {
  at("prompt").value = prompt;
  if (image) await picture.take(image);
  else picture.remove();
  options.choose({ model, duration, resolution, aspect_ratio });
  if (kind === options.IMAGE && !image)
    complain("Its picture is not at hand any more. Choose one, or go on with the words alone.");
  keepDraft();
  at("order").scrollIntoView({ block: "nearest" });
  at("prompt").focus();
}

async function order() {
  if (isSending) return;
  complain("");
  const prompt = at("prompt").value.trim();
  if (!prompt) return complain("Say in a few words what the video should show.", at("prompt"));
  if (options.price() === null) return complain("The options are still being loaded. Please wait a moment.");
  if (isTooDear()) return announce(at("funds").textContent);
  const file = picture.current();
  const fields = { prompt, ...options.chosen() };
  if (file) delete fields.aspect_ratio;
  await send(
    pending({ path: file ? "/videos/animate" : "/videos/generate", fields, picture: trace(file) }),
    file,
  );
}

// What was sent before and got no clear answer goes again under its own key, and only that.
function pending(asked) {
  const before = store.get("pending");
  const isSame = before && JSON.stringify(before.asked) === JSON.stringify(asked);
  return { key: isSame ? before.key : newKey(), asked };
}

function trace(file) {
  return file ? [file.name, file.size, file.type, file.lastModified].join() : "";
}

// crypto.randomUUID is there on https and localhost only.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send({ key, asked }, file) {
  setSending(true, "Sending…");
  store.set("pending", { key, asked, isOnItsWay: true, at: Date.now() });
  try {
    const sent = { path: asked.path, fields: asked.fields, picture: file };
    const { body } = await submit(sent, key, (problem) => setSending(true, trouble(problem)));
    store.remove("pending");
    clear(asked);
    announce("Your video is in the queue.");
    onAccepted(body, { ...asked.fields, generation_type: file ? options.IMAGE : options.TEXT, image: file });
  } catch (problem) {
    if (problem.isUnclear) store.set("pending", { key, asked, isOnItsWay: false });
    else store.remove("pending");
    complain(refusal(problem));
  } finally {
    setSending(false);
  }
}

function trouble(problem) {
  return problem.status === 429 ? "Waiting for your turn…" : "Still trying…";
}

function refusal(problem) {
  if (problem.isUnclear) return `${problem.message} Sending it again makes no second video.`;
  const field = problem.body?.errors?.[0];
  const said = field
    ? `${words.capitalise(field.field.replace("_", " "))}: ${field.message}`
    : problem.message;
  return problem.code === KEY_REUSED ? said : `${said} Nothing was charged.`;
}

// Clear the form, unless something else was typed while this one was on its way.
function clear({ fields, picture: sent }) {
  if (at("prompt").value.trim() === fields.prompt) at("prompt").value = "";
  if (sent && sent === trace(picture.current())) picture.remove();
  options.showQuote();
  keepDraft();
}

function keepDraft() {
  const chosen = options.chosen();
  const before = store.get("draft")?.options;
  store.set("draft", { prompt: at("prompt").value, options: chosen.model ? chosen : before });
  at("prompt").removeAttribute("aria-invalid");
}

function pictureChanged() {
  options.setKind(picture.current() ? options.IMAGE : options.TEXT);
  complain("");
}

function setSending(now, text = "Make the video") {
  isSending = now;
  at("send-text").textContent = text;
  at("send").ariaBusy = String(now);
  at("send").setAttribute("aria-disabled", String(now || isTooDear()));
}

function isTooDear() {
  const cost = options.price();
  return available !== null && cost !== null && cost > available;
}

// Said before anything is sent, and again by the server if it knows better.
function showFunds() {
  const cost = options.price();
  const text = isTooDear()
    ? `This needs ${words.dust(cost)}, and you have ${words.count(available)}. Choose a shorter or smaller video, or ask for more DUST.`
    : "";
  if (at("funds").textContent !== text) at("funds").textContent = text;
  at("funds").hidden = !text;
  at("send").setAttribute("aria-disabled", String(isSending || isTooDear()));
}

function complain(text, field = null) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
}

function showIdeas() {
  const first = Math.floor(Math.random() * IDEAS.length);
  const shown = Array.from({ length: IDEAS_SHOWN }, (_, index) => IDEAS[(first + index) % IDEAS.length]);
  at("ideas").append(...shown.map(idea));
}

function idea(text) {
  const chip = element("button", { type: "button", className: "chip", textContent: text });
  chip.addEventListener("click", () => {
    at("prompt").value = text;
    keepDraft();
    at("prompt").focus();
  });
  return element("li", {}, chip);
}
