// The board: its clock, its languages in turn, its pages, and the news in its footer.
import { fit } from "./fit.js";
import { now } from "./live.js";

const root = document.documentElement;
const TURN_MS = 12_000;
const PAGE_MS = 15_000;

const clock = document.getElementById("clock");
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset.zone });

function count(list, name) {
  return 1 + Math.max(0, ...[...list].map((item) => Number(item.dataset[name])));
}

export function tick() {
  clock.textContent = time.format(now());
  const turning = document.querySelectorAll("[data-turn]");
  const turn = Math.floor(performance.now() / TURN_MS) % count(turning, "turn");
  for (const item of turning) item.hidden = Number(item.dataset.turn) !== turn;
  const paged = document.querySelectorAll("[data-page]");
  const page = Math.floor(performance.now() / PAGE_MS) % count(paged, "page");
  for (const item of paged) item.hidden = Number(item.dataset.page) !== page;
  fit(false);
  news();
}

export function swapped() {
  tick();
  fit(true);
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
