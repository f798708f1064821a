// Emergencies stand over all else: each in all its languages, page by page, until it is cancelled or over. What is shown
// stays though the server goes; what runs out goes by itself. `html[data-emergency]` tells the others: no chime, no sound.
import { now } from "./live.js";

const PAGE_MS = 8000;
const LONG = 24; // signs: what is longer than a word may be parted anywhere
const root = document.documentElement;
const layer = document.getElementById("emergency");
const [alarm, shown] = layer.children;
const address = new URL("emergency", new URL(root.dataset.part, location.href));
const heard = document.createElement("template");

let before = "";
let fetching = false;
let siren = null;
let current = null; // which article
let at = 0;
let page = 0;
let pages = [];
let since = -Infinity;
let size = "";

const articles = () => [...heard.content.querySelectorAll("article")].filter((one) => now() < Number(one.dataset.until));
const ids = (all) => [...new Set(all.map((one) => one.dataset.emergency))].join(" ");

async function ask() {
  if (fetching) return;
  fetching = true;
  try {
    const response = await fetch(address, { cache: "no-store" });
    const html = response.ok ? await response.text() : before;
    if (html !== before) {
      const had = ids(articles());
      before = heard.innerHTML = html;
      take(had);
    }
  } catch {
    // the server is away: what is shown stays until it runs out
  }
  fetching = false;
}

function take(had) {
  const all = articles();
  const same = all.find((one) => one.lang === current?.lang && one.dataset.emergency === current.dataset.emergency && one.innerHTML === current.innerHTML);
  if (ids(all) !== had) at = 0; // what is new begins at once, in Japanese
  else if (same) at = all.indexOf((current = same)); // only a number was called: its turn goes on
  show(all);
  if (all.length) call();
  tell(all);
}

// Said once, in every language: pages that turn are not said again.
function tell(all) {
  const said = all.map((one) => Object.assign(document.createElement("p"), { lang: one.lang, textContent: `${one.querySelector(".word").textContent} ${one.querySelector(".text").textContent}` }));
  if (said.map((one) => one.textContent).join() !== [...alarm.children].map((one) => one.textContent).join()) alarm.replaceChildren(...said);
}

function show(all) {
  const on = all.length > 0;
  layer.hidden = !on;
  document.querySelector(".stage").inert = on;
  if (on) root.dataset.emergency = all[0].className === "drill" ? "drill" : "true";
  else delete root.dataset.emergency;
  sound(on && heard.content.querySelector("[data-siren]") !== null && root.dataset.emergency === "true");
  if (!on) {
    shown.replaceChildren();
    alarm.replaceChildren();
    before = "";
    return;
  }
  const room = `${innerWidth} ${innerHeight}`;
  const holds = room === size && all.includes(current);
  if (holds && performance.now() - since < PAGE_MS - 200) return;
  if (holds && page + 1 < pages.length) page += 1;
  else {
    if (holds) at += 1;
    page = 0;
    current = all[(at %= all.length)];
    lay(current);
  }
  turn();
  size = room;
  since = performance.now();
}

// Puts an article on the screen and parts its text into pages, so that none is ever cut or set smaller.
function lay(article) {
  const calling = heard.content.querySelector(".calling");
  shown.replaceChildren(article.cloneNode(true), ...(calling ? [calling.cloneNode(true)] : []));
  shown.firstElementChild.querySelector(".page").textContent = "1/1";
  const tokens = parts(article);
  pages = [];
  for (let first = 0; first < tokens.length; ) {
    let [fits, not] = [first + 1, tokens.length + 1];
    while (not - fits > 1) {
      const half = (fits + not) >> 1;
      fill(tokens.slice(first, half));
      if (isFull()) not = half;
      else fits = half;
    }
    const end = fits === tokens.length ? fits : ending(tokens, first, fits);
    pages.push(tokens.slice(first, end));
    first = end;
  }
}

// The number called last, in the line below; where that leaves less room, the text is parted anew.
function call() {
  const [old, calling] = [shown.querySelector(".calling"), heard.content.querySelector(".calling")];
  if (old?.textContent === calling?.textContent) return;
  old?.remove();
  if (calling) shown.append(calling.cloneNode(true));
  if (!isFull()) return;
  lay(current);
  page = Math.min(page, pages.length - 1);
  turn();
}

function isFull() {
  const text = shown.querySelector(".text");
  return text.scrollHeight > text.clientHeight || text.scrollWidth > text.clientWidth;
}

// A page that can end with a sentence does, else with a word.
function ending(tokens, first, fits) {
  for (const sign of [/[。！？.!?]\s*$/, /\s$/])
    for (let end = fits; end > (first + fits) / 2; end--) if (sign.test(tokens[end - 1][1].textContent)) return end;
  return fits;
}

// The words of headline and text, each with its place; what has readings is not parted.
function parts(article) {
  const words = new Intl.Segmenter(article.lang, { granularity: /^(ja|zh|th)(?!-Hira)/.test(article.lang) ? "word" : "grapheme" });
  const tokens = [];
  const add = (name, text, joins) => {
    const last = tokens.at(-1);
    if (joins && last?.[0] === name && last[1].data?.length + text.length < LONG) last[1].data += text;
    else tokens.push([name, new Text(text)]);
  };
  for (const name of ["h2", "p"])
    for (const node of article.querySelector(name).childNodes) {
      if (node.nodeType !== Node.TEXT_NODE) tokens.push([name, node]);
      else
        for (const { segment, isWordLike } of words.segment(node.data)) add(name, segment, isWordLike === undefined ? !/\s$/.test(tokens.at(-1)?.[1].data) : !isWordLike);
    }
  return tokens;
}

function fill(tokens) {
  for (const name of ["h2", "p"]) {
    const place = shown.querySelector(name);
    place.replaceChildren(...tokens.filter(([where]) => where === name).map(([, node]) => node.cloneNode(true)));
    place.normalize();
  }
}

function turn() {
  fill(pages[page] ?? []);
  shown.querySelector(".page").textContent = pages.length > 1 ? `${page + 1}/${pages.length}` : "";
}

function sound(on) {
  if (on === (siren !== null)) return;
  siren?.pause();
  siren = on ? new Audio(new URL("siren.wav", address)) : null;
  if (!on) return;
  siren.loop = true;
  siren.play().catch(() => (siren = null)); // a browser that must be touched first: tried again with the next page
}

export function swapped() {
  ask();
}

export function tick() {
  if (articles().length || !layer.hidden) show(articles());
  ask();
}
