// Keeps a page true: its own clock set by the server's, the newest part swapped in, old values removed.
import { phase } from "./freshness.js";

const root = document.documentElement;
const { dataset } = root;
const speed = Number(dataset.speed);
const SILENCE_MS = 45_000;

const KEPT_MS = 300_000;
const AHEAD_MS = 2000;

// The server's time is never earlier than it said plus what has passed here since: a word that was held up on the
// way does not turn the clock back, so the furthest of those of the last minutes is believed. The page itself was
// written after it was asked for. A monotonic clock stops while a phone sleeps, the wall clock does not. A page that
// sw.js has kept sleeps since then: if the wall clock says that this is yet to come, nobody knows how long.
const asked = performance.getEntriesByType("navigation")[0]?.requestStart ?? performance.now();
let offsets = [[performance.now(), Number(dataset.now) - asked * speed]];
let mono = performance.now();
let wall = Number(dataset.kept ?? Date.now());
let news = mono;

const slept = () => Date.now() - wall - (performance.now() - mono);
const latest = () => (slept() < -AHEAD_MS ? Infinity : now()); // the wall clock was set back: who knows how far

export function now() {
  return Math.max(...offsets.map((offset) => offset[1])) + (performance.now() + Math.max(0, slept())) * speed;
}

function sync(ms) {
  const before = latest();
  mono = news = performance.now();
  wall = Date.now();
  offsets = [...offsets.filter(([at]) => mono - at < KEPT_MS), [mono, ms - mono * speed]];
  if (before - now() > AHEAD_MS * speed) refresh(); // what was taken away too early still holds
}

const number = (text) => (text ? Number(text) : null);

let ageing = 0;

export function age() {
  const at = latest();
  let known = false;
  let next = at + Math.max(1000, 100 * speed);
  for (const item of document.querySelectorAll("[data-state]")) {
    const { state, observed, until, opens } = item.dataset;
    const is = phase(state, number(observed), number(until), number(opens), at);
    item.dataset.phase = is;
    known ||= (is === "fresh" || is === "ageing") && !item.matches("figure, .aside"); // a forecast or a notice is not of now
    if (at < until) next = Math.min(next, until);
    if (is === "stale") item.querySelectorAll("[data-value]").forEach((value) => value.remove());
    if (is === "ageing") {
      const minutes = Math.max(1, Math.floor((at - observed) / 60_000));
      for (const said of item.querySelectorAll("[data-age]")) said.textContent = dataset.minutesAgo.replace("{minutes}", minutes);
    }
  }
  const silent = listening && performance.now() - news > SILENCE_MS;
  root.toggleAttribute("data-silent", silent);
  root.toggleAttribute("data-cut", !known && (silent || !!document.querySelector('[data-hub="gone"]')));
  if (silent) reconnect();
  clearTimeout(ageing);
  ageing = setTimeout(age, at < next ? Math.ceil((next - at) / speed) : 1000);
}

let source = null;
let listening = false;
let again = 0;
let fetching = false;
let wanted = false;

async function refresh() {
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted) {
    wanted = false;
    try {
      const response = await fetch(dataset.part, { cache: "no-store" });
      if (!response.ok) break;
      put(document.getElementById("live"), await response.text());
      delete dataset.kept;
      age();
      onSwap();
    } catch {
      break; // the values age out by themselves; the stream says when the server is back
    }
  }
  fetching = false;
}

let onSwap = () => {};
let put = (live, html) => (live.innerHTML = html);

function open() {
  source?.close();
  source = new EventSource(dataset.stream);
  source.addEventListener("ping", (event) => {
    sync(JSON.parse(event.data).now);
    age();
  });
  source.addEventListener("snapshot", (event) => {
    news = performance.now();
    if (event.lastEventId === dataset.tag && !dataset.kept) return;
    dataset.tag = event.lastEventId;
    refresh();
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

export function start(swapped, how = put) {
  onSwap = swapped;
  put = how;
  age();
  swapped();
  document.addEventListener("visibilitychange", age);
  addEventListener("pageshow", age);
  dataset.ready = "";
}
