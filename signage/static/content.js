// What covers the board between boards, when /content says so. Each piece is made ready, unseen, before its time; what
// is not ready or does not move is passed over, and the board stays. Long texts and videos go on in their next showing.
import { now } from "./live.js";

const speed = Number(document.documentElement.dataset.speed);
const ASK_MS = 5000;
const AHEAD_MS = 8000 * speed;
const PAGE_MS = 8000 * speed; // a page is there as long at least
const STALL_MS = 4000;
const LEAST_MS = 3000 * speed; // whose time is nearly over is not begun
const HOLD_MS = 2000 * speed; // what ends stays until what follows is ready
const GIVE_UP_MS = 60_000; // until what failed is tried again
const MOST_KNOWN = 500; // pages: news are new ones again and again
const AWAY_MS = 30_000; // what is new and grave, or a hand on the glass, has the board for so long

const OVER = "#emergency:not([hidden]), #dark:not([hidden]), #guide:not([hidden])"; // nothing plays unseen behind these

const stage = document.getElementById("content");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const reached = new Map(); // by page: where its next showing goes on
const failed = new Map(); // by page: until when it is left out
let slots = [];
let pages = {};
let asked = -Infinity;
let shown = null;
let next = null;
let away = -Infinity;
let quiet = false;
let grave = null; // what stood in the footer at the last swap

async function ask() {
  asked = performance.now();
  try {
    const response = await fetch("/content", { cache: "no-cache" });
    if (!response.ok) return;
    ({ slots, pages } = await response.json());
    for (const known of [reached, failed]) if (known.size > MOST_KNOWN) known.clear();
  } catch {
    // what was told holds for minutes; then there is the board
  }
}

const SIZES = [3, 2, 1, 0];

// Whether a text fits on one page, as large as that goes.
function isWhole(article, words) {
  words.classList.add("fits");
  for (const size of SIZES) {
    article.dataset.size = size;
    if (words.scrollHeight <= words.clientHeight && words.scrollWidth <= words.clientWidth) return true;
  }
  words.classList.remove("fits");
  return false;
}

// How far it is from one screen of a text to the next, and how many there are.
function screens(words) {
  if (words.matches(".scroll")) return [words.clientHeight, Math.ceil(words.scrollHeight / words.clientHeight)];
  const gap = parseFloat(getComputedStyle(words).columnGap);
  const step = words.clientWidth + gap;
  return [step, Math.round((words.scrollWidth + gap) / step)];
}

// Chromium's decode() is content with half a picture; to make a bitmap it needs all of it. A drawing has no points.
async function decoded(image) {
  await image.decode();
  if (!("drawn" in image.dataset)) (await createImageBitmap(image, { resizeWidth: 16, resizeHeight: 9 })).close();
}

// One showing, in a layer of its own.
class Layer {
  constructor(slot) {
    [this.from, this.to, this.page] = slot;
    this.name = nameOf(slot);
    this.box = document.createElement("div");
    this.box.innerHTML = pages[this.page] ?? "";
    stage.append(this.box);
    this.video = this.box.querySelector("video");
    this.articles = [...this.box.querySelectorAll("article")];
    this.isReady = false;
    this.prepare().then(
      () => (this.isReady = true),
      () => this.fail(),
    );
  }

  async prepare() {
    if (this.articles.length) {
      await document.fonts.ready;
      this.paged();
    }
    const image = this.box.querySelector("img");
    if (image) await decoded(image);
    if (this.video) await this.cued();
  }

  cued() {
    const { video } = this;
    const at = reached.get(this.page) ?? 0;
    return new Promise((ready, failed) => {
      video.onerror = failed;
      video.onloadeddata = () => {
        if (at === 0 || at >= video.duration - 1) return ready();
        video.onseeked = ready;
        video.currentTime = at;
      };
      video.load();
    });
  }

  // All pages of all its languages, in order: place and how many there are of this language.
  paged() {
    this.turns = [];
    for (const [i, article] of this.articles.entries()) {
      const words = article.querySelector(".words");
      if (still.matches) words.classList.remove("scroll");
      const [step, count] = isWhole(article, words) ? [0, 1] : screens(words);
      for (let n = 0; n < count; n++) this.turns.push([i, n, count, step]);
    }
    const most = Math.max(1, Math.floor((this.to - this.from) / PAGE_MS));
    this.first = this.turns.length > most ? (reached.get(this.page) ?? 0) % this.turns.length : 0;
    this.count = Math.min(most, this.turns.length - this.first);
    this.turn(this.from);
  }

  turn(at) {
    const each = (this.to - this.from) / this.count;
    const past = Math.max(0, Math.min(this.count - 1e-6, (at - this.from) / each));
    const n = this.first + Math.floor(past);
    const [i, place, count, step] = this.turns[n];
    for (const [j, article] of this.articles.entries()) article.classList.toggle("off", j !== i);
    const words = this.articles[i].querySelector(".words");
    const runs = words.matches(".scroll");
    if (runs) words.scrollTop = (place + (past % 1)) * step;
    else words.scrollLeft = place * step;
    this.articles[i].dataset.at = count > 1 && !runs ? `${place + 1} / ${count}` : "";
    this.goesOn = (n + 1) % this.turns.length;
  }

  show() {
    this.box.classList.add("on");
    stage.dataset.on = "";
    const { item } = this.box.querySelector("[data-item]").dataset;
    document.dispatchEvent(new CustomEvent("machiai:shown", { detail: { item } })); // the proof of display counts it
    if (this.box.querySelector(".scroll:not(.fits)")) this.run();
    if (!this.video) return;
    this.moved = performance.now();
    this.last = this.video.currentTime;
    this.duck();
    this.video.play().catch(() => {
      this.video.muted = true; // a browser that lets nothing sound by itself
      this.video.play().catch(() => this.fail());
    });
  }

  run() {
    if (!this.box.isConnected) return;
    this.turn(now());
    requestAnimationFrame(() => this.run());
  }

  duck() {
    this.video.muted = !("sound" in this.video.dataset);
    this.video.volume = quiet ? 0.1 : 1;
  }

  // What is shown now; says whether there is still something to show.
  tick(at) {
    if (this.turns) this.turn(at);
    if (!this.video) return true;
    if (this.video.ended) return false;
    if (this.video.currentTime !== this.last) this.moved = performance.now();
    this.last = this.video.currentTime;
    if (performance.now() - this.moved > STALL_MS) this.fail();
    return true;
  }

  fail() {
    failed.set(this.page, performance.now() + GIVE_UP_MS);
  }

  close() {
    if (this.turns && this.box.matches(".on")) reached.set(this.page, this.goesOn);
    if (this.video) {
      if (this.box.matches(".on")) reached.set(this.page, this.video.ended ? 0 : this.video.currentTime);
      this.video.onerror = null;
      this.video.removeAttribute("src"); // gives its memory back
      this.video.load();
    }
    this.box.remove();
  }
}

const nameOf = ([from, , page]) => `${from}/${page}`;
const isLeftOut = (page) => failed.get(page) > performance.now() || !(page in pages);

function show(layer) {
  const before = shown;
  shown = layer;
  if (layer) layer.show();
  else delete stage.dataset.on;
  if (before && layer) before.close(); // both were drawn: nothing flashes
  else if (before) setTimeout(() => before.close(), 500); // it fades
}

export function tick() {
  if (performance.now() - asked > ASK_MS) ask();
  const at = now();
  const isAway = performance.now() < away || document.querySelector(OVER);
  const open = isAway ? [] : slots.filter(([, to, page]) => at < to && !isLeftOut(page));
  const current = open.find((slot) => slot[0] <= at && (shown?.name === nameOf(slot) || slot[1] - at > LEAST_MS));
  const coming = open.find(([from]) => from > at && from - at < AHEAD_MS);
  const isDue = (layer) => layer && current && layer.name === nameOf(current);
  const wanted = (isDue(shown) ? null : current) ?? coming;
  if (next?.name !== (wanted && nameOf(wanted))) {
    next?.close();
    next = wanted ? new Layer(wanted) : null;
  }
  if (isDue(next) && next.isReady) {
    show(next);
    next = null;
  } else if (shown && !isDue(shown) && !(isDue(next) && at - shown.to < HOLD_MS)) {
    show(null);
  }
  if (shown && !shown.tick(at)) {
    failed.set(shown.page, performance.now() + (shown.to - at) / speed); // the board has the rest of its time
    show(null);
  }
}

function boardBack() {
  away = performance.now() + AWAY_MS;
  if (shown) show(null);
}

export function swapped() {
  const said = new Set([...document.querySelectorAll(".news .warning")].map((item) => item.textContent));
  if (grave && [...said].some((text) => !grave.has(text))) boardBack();
  grave = said;
}

addEventListener("pointerdown", boardBack);
document.addEventListener("machiai:quiet", (event) => {
  quiet = event.detail;
  if (shown?.video) shown.duck();
});
