// Helpers around the document. What users write goes in as text, never as markup.

import { PATHS } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const { data, ...plain } = properties;
  const made = Object.assign(document.createElement(tag), plain);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}

export function button(label, { look = "plain", picture = "", ...properties } = {}) {
  const made = element("button", { type: "button", className: `button ${look}`, ...properties });
  if (picture) made.append(icon(picture));
  made.append(label);
  return made;
}

// An icon alone to the eye, its name to a screen reader, and to a mouse that rests on it.
export function iconButton(name, label, properties = {}) {
  return element(
    "button",
    { type: "button", className: "icon-button", ariaLabel: label, title: label, ...properties },
    icon(name),
  );
}

// Said by screen readers, seen by nobody. For what changed by itself, and not for every step of it.
export function announce(text) {
  const line = element("p", { textContent: text });
  at("news").append(line);
  setTimeout(() => line.remove(), 10_000);
}

// Messages go along: what lies outside an open dialog is neither clicked nor read out.
export function openDialog(dialog) {
  const origin = document.activeElement;
  dialog.showModal();
  dialog.append(at("messages"));
  const close = () => {
    document.body.append(at("messages"));
    (origin?.isConnected ? origin : at("main")).focus();
  };
  dialog.addEventListener("close", close, { once: true });
}

// A click beside a dialog closes it, as Escape does.
export function closeOnBackdrop(dialog) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
