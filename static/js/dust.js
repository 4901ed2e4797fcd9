// DUST: what can be spent, and what became of that of each video.

import { call, insist } from "./api.js";
import { at, closeOnBackdrop, element, openDialog } from "./dom.js";
import * as words from "./words.js";

const PAGE = 60;
const HOLD = "hold";
const [SPENT, BACK, ASIDE, ADDED] = ["spent", "back", "aside", "added"];
// By the last thing that happened to a job's DUST.
const FATES = {
  hold: { tone: ASIDE, say: (cost) => `${cost} are set aside until work on it begins.` },
  post: { tone: SPENT, say: (cost) => `${cost} were charged when work on it began.` },
  void: { tone: BACK, say: (cost) => `${cost} had been set aside, and are yours again: it was not made.` },
  expire: {
    tone: BACK,
    say: (cost) => `${cost} had been set aside, and are yours again: it was not begun in time.`,
  },
  reverse: { tone: BACK, say: (cost) => `${cost} had been charged, and were given back in full.` },
};

let rows = []; // newest first; anew with each look, and what answers an earlier look is thrown away
let hasMore = false;
let prompts = new Map(); // job id -> prompt
let onBalance = () => {};

export async function start(balanceChanged) {
  onBalance = balanceChanged;
  closeOnBackdrop(at("dust"));
  at("balance").addEventListener("click", open);
  at("dust-close").addEventListener("click", () => at("dust").close());
  at("dust-more").addEventListener("click", () => more().catch(complain));
  await refresh();
}

export async function refresh() {
  const { available, held } = await insist("/dust/balance");
  at("balance-text").textContent = words.dust(available);
  at("balance").ariaLabel =
    `${words.dust(available)} to spend${held ? `, ${held} set aside` : ""}. Show the history.`;
  at("balance-held").textContent = held ? `${words.count(held)} set aside` : "";
  at("dust-available").textContent = words.dust(available);
  at("dust-held").textContent = held ? `${words.dust(held)} are set aside for videos that wait.` : "";
  onBalance(available);
  if (at("dust").open) await reload().catch(complain);
}

async function open() {
  openDialog(at("dust"));
  await reload().catch(complain);
}

async function reload() {
  const mine = [];
  rows = mine;
  const jobs = await call("/videos/jobs?limit=100");
  if (mine !== rows) return;
  prompts = new Map(jobs.body.jobs.map(({ job_id: id, prompt }) => [id, prompt]));
  await more();
}

async function more() {
  const mine = rows;
  const { body } = await call(`/dust/transactions?limit=${PAGE}&offset=${rows.length}`);
  if (mine !== rows) return;
  const known = new Set(rows.map(({ id }) => id));
  rows.push(...body.transactions.filter(({ id }) => !known.has(id)));
  hasMore = body.pagination.has_more;
  show();
}

function complain(problem) {
  at("dust-list").replaceChildren(element("li", { className: "hint", textContent: problem.message }));
}

// A job is told of once, however many movements it took, and only when its first one is here too.
function show() {
  const jobs = byJob();
  const told = rows.map((row) => {
    if (!row.job_id)
      return line(row.note, "", row.amount > 0 ? ADDED : SPENT, signed(row.amount), row.created_at);
    const movements = jobs.get(row.job_id);
    return movements[0] === row ? ofJob(movements) : null;
  });
  at("dust-list").replaceChildren(...told.filter(Boolean));
  at("dust-more").hidden = !hasMore;
}

function byJob() {
  const made = new Map();
  for (const row of rows) made.set(row.job_id, [...(made.get(row.job_id) ?? []), row]);
  return made;
}

function ofJob(movements) {
  const hold = movements.find(({ kind }) => kind === HOLD);
  if (!hold) return null; // further down the list: it comes with the next page
  const fate = FATES[movements[0].kind];
  const title = words.shorten(prompts.get(hold.job_id) ?? "A video", 80);
  const amount = fate.tone === BACK ? "0" : signed(hold.amount);
  return line(title, fate.say(words.dust(-hold.amount)), fate.tone, amount, movements[0].created_at);
}

function signed(amount) {
  return `${amount > 0 ? "+" : "−"}${words.count(Math.abs(amount))}`;
}

function line(title, text, tone, amount, moment) {
  return element(
    "li",
    { className: `movement ${tone}` },
    element(
      "div",
      {},
      element("p", { className: "movement-title", textContent: title }),
      element("p", {
        className: "hint",
        textContent: [words.capitalise(words.ago(moment)), text].filter(Boolean).join(" · "),
      }),
    ),
    element("span", { className: "movement-amount", textContent: amount }),
  );
}
