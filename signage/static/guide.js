// The guide on a touched screen. What somebody chose or typed is in memory only, and goes with them after a minute.
import { age, now as clock } from "./live.js";

const IDLE_MS = 60_000;
const COUNT_MS = 10_000;
const SMALLEST = 0.4;
const STEP = 0.04;

const guide = document.getElementById("guide");
const first = () => ({ lang: guide.dataset.lang, view: "start", keys: "", low: guide.dataset.low === "yes", large: false, contrast: false });
let now = guide && first();
let touched = performance.now();
let asked = 0;
let looked = 0;
let shown = "";
let waits = false;
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: document.documentElement.dataset.zone });

const query = () => new URLSearchParams({ lang: now.lang, view: now.view, keys: now.keys, steps: now.low ? "no" : "" });

// Shows what is chosen: `new` things begin at their heading, `news` change nothing that is touched. A screen whose
// server is gone keeps what is on it: its values age out.
async function show(how) {
  const turn = ++asked;
  const wanted = `${query()}`;
  waits = true;
  const response = await fetch(`/guide/part?${wanted}`, { cache: "no-store" }).catch(() => null);
  const html = response?.ok && (await response.text().catch(() => ""));
  if (turn !== asked) return;
  waits = false;
  if (!html) return;
  shown = wanted;
  const place = [...guide.querySelectorAll("button")].indexOf(document.activeElement);
  const made = document.createElement("template");
  made.innerHTML = html;
  if (how === "news") guide.querySelector(".info").replaceWith(made.content.querySelector(".info"));
  else guide.replaceChildren(made.content);
  set();
  age();
  fit();
  tick();
  if (how === "new") guide.querySelector("h2").focus();
  else if (place >= 0) guide.querySelectorAll("button")[place]?.focus();
}

function set() {
  for (const name of ["low", "large", "contrast"]) {
    guide.classList.toggle(name, now[name]);
    guide.querySelector(`[data-set=${name}]`).ariaPressed = now[name];
  }
}

// Texts of some languages are longer: what does not fit is set smaller, never cut.
// A glyph may stand a little out of its line, and nobody sees it; a box may not.
const slack = (item) => (item.matches(".columns, .facts") ? 1 : 0.3 * parseFloat(getComputedStyle(item).fontSize));
const isCut = (item) => item.clientWidth && (item.scrollWidth > item.clientWidth + 1 || item.scrollHeight > item.clientHeight + slack(item));

function fit() {
  for (const [name, place] of [["--reach", ".reach"], ["--info", ".info"]]) {
    const box = guide.querySelector(place);
    let size = 1;
    const put = () => guide.style.setProperty(name, size);
    for (put(); size > SMALLEST && [box, ...box.querySelectorAll("button, .shelves, .found, .columns, .facts, section, figure, nav, p")].some(isCut); put()) size -= STEP;
  }
}

async function find(typed) {
  const turn = ++looked;
  const response = await fetch(`/guide/found?${new URLSearchParams({ lang: now.lang, typed })}`, { cache: "no-store" }).catch(() => null);
  const found = document.getElementById("found");
  if (!response?.ok || turn !== looked || !found) return;
  found.innerHTML = await response.text();
  fit();
}

// 「か」 and 「゛」 are 「が」; what cannot be joined is left as it was.
function joined(text, key) {
  const mark = { "゛": "\u3099", "゜": "\u309a" }[key];
  if (!mark) return text + key;
  const made = (text.slice(-1) + mark).normalize("NFC");
  return made.length === 1 ? text.slice(0, -1) + made : text;
}

function type(change) {
  const input = document.getElementById("typed");
  input.value = change(input.value).slice(0, 60);
  find(input.value);
}

function press({ dataset }) {
  if (dataset.key) return type((text) => joined(text, dataset.key));
  if ("erase" in dataset) return type((text) => text.slice(0, -1));
  if ("stay" in dataset) return;
  const before = now.view;
  if (dataset.view) now.view = dataset.view;
  else if (dataset.lang) Object.assign(now, { lang: dataset.lang, keys: "" });
  else if (dataset.keys) now.keys = dataset.keys;
  else if (dataset.set) now[dataset.set] = !now[dataset.set];
  show(now.view === before ? "again" : "new");
}

function count() {
  const isFresh = JSON.stringify(now) === JSON.stringify(first());
  const left = IDLE_MS - (performance.now() - touched);
  const idle = document.getElementById("idle");
  if (!idle) return;
  if (isFresh) return void (idle.hidden = true);
  if (left <= 0) {
    now = first();
    return void show("new");
  }
  idle.hidden = left > COUNT_MS;
  if (idle.hidden) return;
  const said = idle.querySelector("p");
  said.textContent = said.dataset.said.replace("{seconds}", Math.ceil(left / 1000));
}

if (guide) {
  document.getElementById("live").inert = true; // the board lies under it: nobody is to meet that by keys or by ear
  for (const kind of ["pointerdown", "keydown"]) {
    guide.addEventListener(kind, () => {
      touched = performance.now();
      count();
    });
  }
  guide.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) press(button);
  });
  guide.addEventListener("input", ({ target }) => target.id === "typed" && find(target.value));
  guide.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && now.view !== "start") press({ dataset: { view: "start" } });
  });
  show("first");
}

// News from the hub: only what shows values is made anew, so that nobody's typing is lost.
export function swapped() {
  if (guide && !["start", "find"].includes(now.view)) show("news");
}

export function tick() {
  if (!guide) return;
  if (shown !== `${query()}` && !waits) show("again"); // its server was gone
  const said = guide.querySelector("header time");
  if (said) said.textContent = time.format(clock());
  count();
}
