// Plain words for times, sizes and what became of the DUST.

export const DURATIONS = { short: "5 s", medium: "10 s", long: "15 s" };
export const RESOLUTIONS = { sd_480p: "480p", hd_720p: "720p", hd_1080p: "1080p", "4k_2160p": "4K" };

const COUNTED = new Intl.NumberFormat("en");
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

export function count(number) {
  return COUNTED.format(number);
}

export function dust(amount) {
  return `${count(amount)} DUST`;
}

export function spell(seconds, unit = seconds === 1 ? "second" : "seconds") {
  if (seconds < 90) return `${seconds} ${unit}`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

export function ago(moment) {
  const seconds = (new Date(moment) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => -seconds >= length) ?? ["minute", 60];
  return -seconds < 60 ? "just now" : RELATIVE.format(Math.round(seconds / size), unit);
}

export function shorten(prompt, length = 60) {
  return prompt.length > length ? `${prompt.slice(0, length - 1).trimEnd()}…` : prompt;
}

export function capitalise(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// What a job's `dust` means to the person who pays.
export function outcome(state, cost) {
  const back = `You got your ${dust(cost)} back.`;
  const known = { held: `${dust(cost)} are set aside for it.`, charged: `It cost ${dust(cost)}.` };
  return known[state] ?? back;
}
