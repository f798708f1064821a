// Keeps a page true: its own clock set by the server's, the newest part swapped in, old values removed.
import { phase } from "./freshness.js";

const root = document.documentElement;
const speed = Number(root.dataset.speed);
const SILENCE_MS = 45_000;

// A page's monotonic clock stops while a phone sleeps; the wall clock does not. The later of both is believed.
const entry = performance.getEntriesByType("navigation")[0];
let shown = Number(root.dataset.now);
let mono = entry?.responseStart ?? performance.now();
let wall = Date.now() - (performance.now() - mono);
let news = performance.now();

export function now() {
  return shown + Math.max(performance.now() - mono, Date.now() - wall) * speed;
}

function sync(ms) {
  shown = ms;
  mono = news = performance.now();
  wall = Date.now();
}

const number = (text) => (text === undefined ? null : Number(text));

export function age() {
  const at = now();
  let known = false;
  for (const item of document.querySelectorAll("[data-state]")) {
    const { state, observed, until, opens } = item.dataset;
    const is = phase(state, number(observed), number(until), number(opens), at);
    item.dataset.phase = is;
    known ||= is === "fresh" || is === "ageing";
    if (is === "stale") item.querySelectorAll("[data-value]").forEach((value) => value.remove());
    if (is === "ageing") {
      const minutes = Math.max(1, Math.floor((at - number(observed)) / 60_000));
      for (const said of item.querySelectorAll("[data-age]")) said.textContent = root.dataset.minutesAgo.replace("{minutes}", minutes);
    }
  }
  const silent = listening && performance.now() - news > SILENCE_MS;
  root.toggleAttribute("data-silent", silent);
  root.toggleAttribute("data-cut", !known && (silent || !!document.querySelector('[data-hub="gone"]')));
  if (silent) reconnect();
}

let source = null;
let listening = false;
let again = 0;
let fetching = false;
let wanted = false;

async function refresh(swapped) {
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted) {
    wanted = false;
    try {
      const response = await fetch(root.dataset.part, { cache: "no-store" });
      if (!response.ok) break;
      document.getElementById("live").innerHTML = await response.text();
      age();
      swapped();
    } catch {
      break; // the values age out by themselves; the stream says when the server is back
    }
  }
  fetching = false;
}

let onSwap = () => {};

function open() {
  source?.close();
  source = new EventSource(root.dataset.stream);
  source.addEventListener("ping", (event) => {
    sync(JSON.parse(event.data).now);
    age();
  });
  source.addEventListener("snapshot", (event) => {
    news = performance.now();
    if (event.lastEventId === root.dataset.tag) return;
    root.dataset.tag = event.lastEventId;
    refresh(onSwap);
  });
  // A refused answer ends an EventSource for good; a lost line it mends itself, after the server's `retry`.
  source.onerror = () => source.readyState === EventSource.CLOSED && reconnect();
}

function reconnect() {
  if (again || !listening) return;
  again = setTimeout(() => {
    again = 0;
    if (listening) open();
  }, 1000 + Math.random() * 4000);
}

export function listen(on) {
  listening = on;
  news = performance.now();
  if (on) open();
  else source?.close();
}

export function start(swapped) {
  onSwap = swapped;
  age();
  swapped();
  setInterval(age, Math.max(100, 1000 / speed));
  document.addEventListener("visibilitychange", age);
  root.dataset.ready = "";
}
