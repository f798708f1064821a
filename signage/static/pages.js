// What does not fit goes on the next page; nothing is set smaller. Rows are columns where the words are short enough,
// else lines; a page has as many as there is room for, at most as many as the layout says.
const root = document.documentElement;
const PAGE_MS = 15_000;

const isFar = root.classList.contains("far");
const WAYS = ["lines", "lines bare"]; // bare: in one language
if (root.matches(".near.wide")) WAYS.unshift("columns");
const TIGHT = ["", "tight", "tight bare"]; // a smaller call
const mostRows = Number(getComputedStyle(root).getPropertyValue("--rows"));

const bottom = (item) => item.getBoundingClientRect().bottom;
const tooHigh = (place) =>
  getComputedStyle(place).overflowY === "visible" // letters reach out of their lines: only boxes count
    ? [...place.children].some((item) => bottom(item) > bottom(place) + 1)
    : place.scrollHeight > place.clientHeight + 1;
const tooWide = (place) =>
  [place, ...place.querySelectorAll("*")].some((item) => item.clientWidth && item.scrollWidth > item.clientWidth + 1);
const height = (item) => item.getBoundingClientRect().height;

let decks = []; // what takes turns: lists of pages, each what it shows and where
let last = "";

function show(items, on) {
  for (const item of items) item.hidden = !on;
}

// Pages of items that fit their place. What is too high for it alone has a page, and does not fit.
function packed(place, items) {
  const pages = [];
  let page = [];
  let fits = true;
  show(items, false);
  for (const item of items) {
    item.hidden = false;
    if (page.length && tooHigh(place)) {
      show(page, false);
      pages.push({ place, items: page });
      page = [];
    }
    page.push(item);
    fits &&= page.length > 1 || !tooHigh(place);
  }
  if (page.length) pages.push({ place, items: page });
  show(items, true);
  return { pages, fits };
}

// Rows are measured once, all at a time: each look at a place costs the browser a layout.
function filled(rows, heights, room, most) {
  const pages = [[]];
  let used = 0;
  rows.forEach((row, i) => {
    const page = pages.at(-1);
    if (page.length && (page.length === most || used + heights[i] > room)) {
      pages.push([row]);
      used = heights[i];
    } else {
      page.push(row);
      used += heights[i];
    }
  });
  return pages;
}

// As many rows on each page as on the others, if that makes no more of them.
function evenly(rows, heights, room) {
  const found = filled(rows, heights, room, mostRows);
  const even = filled(rows, heights, room, Math.ceil(rows.length / found.length));
  return even.length === found.length ? even : found;
}

// Columns are as wide as the words of all pages need them, on each page.
function steady(table) {
  const heads = [...table.querySelectorAll("thead th")];
  for (const head of heads) head.style.width = "";
  table.style.tableLayout = "auto";
  if (!height(table.tHead)) return; // lines have none
  const widths = heads.map((head) => head.getBoundingClientRect().width);
  heads.forEach((head, i) => (head.style.width = `${widths[i]}px`));
  table.style.tableLayout = "fixed";
}

function laid(place, dots, rows, way) {
  place.dataset.as = way;
  dot(dots, 0);
  show(rows, true);
  for (const row of rows) row.style.removeProperty("--row");
  steady(place.firstElementChild);
  const isWide = tooWide(place);
  const heights = rows.map(height);
  const head = place.querySelector("thead").offsetHeight;
  const room = () => place.clientHeight - head - 2;
  let pages = evenly(rows, heights, room());
  if (pages.length > 1 || isFar) {
    dot(dots, 2); // room for them
    pages = evenly(rows, heights, room());
  }
  const fits = !isWide && Math.max(0, ...heights) <= room();
  return { pages, fits, way, heights, room: room() };
}

function table(place, dots) {
  const rows = [...place.querySelectorAll("tbody")];
  let best = null;
  for (const way of WAYS) {
    if (best?.fits && (best.pages.length === 1 || way.includes("bare"))) break;
    const found = laid(place, dots, rows, way);
    if (!best?.fits || (found.fits && found.pages.length < best.pages.length)) best = found;
  }
  if (place.dataset.as !== best.way) best = laid(place, dots, rows, best.way);
  spread(rows, best);
  return best.pages.map((items) => ({ place, items }));
}

// The fullest page fills its place; on the others the rows are as high as there.
function spread(rows, { pages, heights, room }) {
  const most = pages.length > 1 ? Math.max(...pages.map((page) => page.length)) : Math.max(rows.length, mostRows);
  const each = room / most;
  for (const page of pages) {
    const natural = page.map((row) => heights[rows.indexOf(row)]);
    const spare = Math.max(0, each - natural.reduce((sum, one) => sum + one, 0) / page.length);
    const alike = Math.max(...natural) <= each;
    page.forEach((row, i) => row.style.setProperty("--row", `${alike ? each : natural[i] + spare}px`));
  }
}

// Below a call, which is set smaller where there is too little room.
function beside(aside, strip, places) {
  const call = aside.querySelector(".call");
  strip.style.height = "";
  let found = null;
  for (const way of TIGHT) {
    aside.dataset.as = way;
    found = packed(strip, places);
    if (found.fits && !tooHigh(call) && !tooHigh(aside)) break;
  }
  if (found.pages.length > 1) strip.style.height = `${strip.offsetHeight}px`; // else the call would breathe
  return found.pages;
}

function dot(dots, count) {
  dots.replaceChildren(...Array.from({ length: count > 1 ? count : 0 }, () => document.createElement("i")));
}

// Anew when something else is shown, or in another room.
export function arrange(isNew) {
  const phases = [...document.querySelectorAll("[data-phase]")].map((item) => item.dataset.phase);
  const now = [innerWidth, innerHeight, root.hasAttribute("data-silent"), root.hasAttribute("data-cut"), ...phases].join();
  if (!isNew && now === last) return;
  last = now;
  const [board, aside, dots] = [".page", "aside", ".dots"].map((name) => document.querySelector(name));
  decks = [];
  if (!board) return; // a screen that stands alone has no board
  const strip = aside.querySelector(".strip");
  const call = [...aside.querySelectorAll(".call, .before")];
  show([board, aside, ...call, ...strip.children], true);
  const places = [...strip.children].filter(height); // not what is nowhere
  if (isFar) {
    dot(dots, 2);
    show([board], false);
    show(call, false);
    const parking = packed(aside, places).pages;
    show(places, false);
    show(call, true);
    const isSilent = aside.querySelector(".call").dataset.phase === "no_data";
    const called = isSilent ? [] : packed(aside, call).pages;
    show(call, false);
    show([board], true);
    show([aside], false);
    decks = [[...table(board, dots), ...called, ...parking]];
  } else {
    decks = [table(board, dots), beside(aside, strip, places)];
  }
  dot(dots, decks[0].length);
  turn();
}

export function turn(page = Math.floor(performance.now() / PAGE_MS)) {
  for (const deck of decks) {
    const at = page % deck.length;
    for (const { place, items } of deck) {
      place.hidden = true;
      show(items, false);
    }
    if (!deck.length) continue;
    deck[at].place.hidden = false;
    show(deck[at].items, true);
  }
  document.querySelectorAll(".dots > i").forEach((item, i, { length }) => item.classList.toggle("on", i === page % length));
}
