// Calls take the screen over one by one.
import { fit } from "./fit.js";
import { now } from "./live.js";

const speed = Number(document.documentElement.dataset.speed);
const SHOWN_MS = Math.max(1200, 8000 / speed);
const APART_MS = Math.max(400, 3000 / speed);
const OLD_MS = 60_000; // a call from before the line was cut is listed, but does not take the screen over

const takeover = document.getElementById("takeover");
const seen = new Set();
const queue = [];
let first = true;
let next = 0;
let hide = 0;

const panel = () => document.querySelector(".call").dataset;

function take() {
  next = 0;
  const call = queue.shift();
  if (!call || panel().phase === "stale") return;
  takeover.innerHTML = call;
  Object.assign(takeover.dataset, panel()); // it ends no later than the list that it comes from
  takeover.hidden = false;
  fit(false);
  clearTimeout(hide);
  hide = setTimeout(() => (takeover.hidden = true), SHOWN_MS);
  next = setTimeout(take, APART_MS);
}

export function swapped() {
  const listed = [...document.querySelectorAll("template[data-call]")].reverse();
  const here = new Set(listed.map((item) => item.dataset.call));
  for (const item of listed) {
    if (!first && !seen.has(item.dataset.call) && now() - Number(item.dataset.at) < OLD_MS * Math.max(1, speed)) queue.push(item.innerHTML);
    seen.add(item.dataset.call);
  }
  if (here.size) for (const key of seen) if (!here.has(key)) seen.delete(key);
  first = false;
  if (!next && queue.length) take();
}

export function tick() {
  if (takeover.dataset.phase === "stale") takeover.hidden = true;
}
