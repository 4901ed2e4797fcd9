// Whether the server can be reached: a banner while it can't, and a call to those who wait for its return.

import { announce, at } from "./dom.js";

const PROBE_SECONDS = 4;
const SENTENCES = {
  offline: "You are offline. Your videos are still being made, and this page catches up when you are back.",
  away: "The server can't be reached right now. This page goes on trying, and nothing is lost.",
};
const returns = new Set();
let probe = null;
let timer = 0;
let isLost = false;

// `ask` is a small request of the public API; it is made again and again until one is answered.
export function start(ask) {
  probe = ask;
  window.addEventListener("offline", lost);
  window.addEventListener("online", tryAgain);
  if (!navigator.onLine) lost();
}

export function onReturn(callback) {
  returns.add(callback);
}

// Called for each request that got no answer.
export function lost() {
  at("away-text").textContent = navigator.onLine ? SENTENCES.away : SENTENCES.offline;
  at("away").hidden = false;
  isLost = true;
  clearTimeout(timer);
  timer = setTimeout(tryAgain, PROBE_SECONDS * 1000);
}

// Called for each request that got one, whatever it says.
export function found() {
  if (!isLost) return;
  isLost = false;
  clearTimeout(timer);
  at("away").hidden = true;
  announce("The connection is back.");
  for (const callback of returns) callback();
}

// Wait so many seconds, or until the connection is back.
export function pause(seconds) {
  return new Promise((done) => {
    const go = () => {
      returns.delete(go);
      done();
    };
    returns.add(go);
    setTimeout(go, seconds * 1000);
  });
}

function tryAgain() {
  clearTimeout(timer);
  probe?.().catch(() => {}); // it reports to lost() or found() by itself
}
