// Short messages at the edge of the page. They leave by themselves, not while the pointer or the focus is on them.

import { at, button, element, iconButton } from "./dom.js";

const SHOWN_SECONDS = 7;

// Show `text`, with a button if there is an `action`. `onEnd` is called when it leaves without that,
// and told whether the focus was in it, which has to go somewhere.
export function show(text, { tone = "", action = "", onAction, onEnd, seconds = SHOWN_SECONDS } = {}) {
  const toast = element("div", { className: `toast ${tone}` }, element("span", { textContent: text }));
  const clock = countdown(seconds * 1000, () => end(onEnd));
  let isOver = false;
  function end(callback) {
    if (isOver) return;
    isOver = true;
    clock.stop();
    const hadFocus = toast.contains(document.activeElement);
    toast.remove();
    callback?.(hadFocus);
  }
  if (action) toast.append(button(action, { look: "quiet toast-action", onclick: () => end(onAction) }));
  toast.append(iconButton("close", "Dismiss", { onclick: () => end(onEnd) }));
  let isPointedAt = false;
  const hold = ({ type }) => {
    isPointedAt ||= type === "pointerenter";
    clock.stop();
  };
  const release = ({ type }) => {
    isPointedAt &&= type !== "pointerleave";
    // with the focus in another window it is still in here
    if (!isOver && !isPointedAt && !toast.contains(document.activeElement)) clock.start();
  };
  for (const type of ["pointerenter", "focusin"]) toast.addEventListener(type, hold);
  for (const type of ["pointerleave", "focusout"]) toast.addEventListener(type, release);
  at("toasts").append(toast);
  clock.start();
  return { element: toast, close: () => end() };
}

export function problem(text) {
  return show(text, { tone: "bad" });
}

function countdown(milliseconds, onEnd) {
  let left = milliseconds;
  let begun = 0;
  let timer = 0;
  return {
    start() {
      if (timer) return;
      begun = Date.now();
      timer = setTimeout(onEnd, left);
    },
    stop() {
      if (!timer) return;
      clearTimeout(timer);
      timer = 0;
      left = Math.max(1000, left - (Date.now() - begun)); // never gone at once when the pointer leaves
    },
  };
}
