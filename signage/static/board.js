// The board: its clock, its languages in turn, its pages, and the news in its footer.
import { now } from "./live.js";
import { arrange, turn } from "./pages.js";

const root = document.documentElement;
const TURN_MS = 12_000;
const SHIFT_MS = 240_000;
const PLACES = 4; // where the stage stands in turn, lest the picture burns in

const clock = document.getElementById("clock");
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset.zone });

export function tick() {
  clock.textContent = time.format(now());
  root.dataset.shift = Math.floor(performance.now() / SHIFT_MS) % PLACES;
  const turning = document.querySelectorAll("[data-turn]");
  const languages = 1 + Math.max(0, ...[...turning].map((item) => Number(item.dataset.turn)));
  const language = Math.floor(performance.now() / TURN_MS) % languages;
  for (const item of turning) item.hidden = Number(item.dataset.turn) !== language;
  arrange(false);
  turn();
  news();
}

export function swapped() {
  arrange(true);
  tick();
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
