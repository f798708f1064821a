// The lobby: its clock, its languages in turn, its pages, and calls that take the screen over one by one.
import { fit } from "./fit.js";
import { listen, now, start } from "./live.js";

const root = document.documentElement;
const speed = Number(root.dataset.speed);
const TURN_MS = 12_000;
const PAGE_MS = 15_000;
const SHOWN_MS = Math.max(1200, 8000 / speed);
const APART_MS = Math.max(400, 3000 / speed);
const OLD_MS = 60_000; // a call from before the line was cut is listed, but does not take the screen over

const clock = document.getElementById("clock");
const takeover = document.getElementById("takeover");
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset.zone });

function count(list, name) {
  return 1 + Math.max(0, ...[...list].map((item) => Number(item.dataset[name])));
}

function tick() {
  clock.textContent = time.format(now());
  if (takeover.dataset.phase === "stale") takeover.hidden = true;
  const turning = document.querySelectorAll("[data-turn]");
  const turn = Math.floor(performance.now() / TURN_MS) % count(turning, "turn");
  for (const item of turning) item.hidden = Number(item.dataset.turn) !== turn;
  const paged = document.querySelectorAll("[data-page]");
  const page = Math.floor(performance.now() / PAGE_MS) % count(paged, "page");
  for (const item of paged) item.hidden = Number(item.dataset.page) !== page;
  fit(false);
  news();
}

// The footer shows one piece of news at a time, and of a long one two lines at a time.
function news() {
  const screens = [];
  for (const item of document.querySelectorAll(".news li")) {
    item.hidden = item.dataset.phase === "stale";
    if (item.hidden) continue;
    for (let top = 0; top < item.scrollHeight - 8; top += item.clientHeight || Infinity) screens.push([item, top]);
    item.hidden = true;
  }
  const screen = screens[Math.floor(performance.now() / TURN_MS) % screens.length];
  if (!screen) return;
  screen[0].hidden = false;
  screen[0].scrollTop = screen[1];
}

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

function calls() {
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

start(() => {
  tick();
  fit(true);
  calls();
});
setInterval(tick, Math.max(200, 1000 / speed));
listen(true);
