// Screen truth: reads from the glass what people can see, and tells the Pi, once a minute and after each change.
const root = document.documentElement;
const speed = Number(root.dataset.speed);
const address = new URLSearchParams(location.search).has("screen") ? "/screen?kept" : "/screen"; // whose browser is kept (docs/kiosk.md)
const LOOK_MS = 1000;
const CALM_MS = 3000;
const EACH_MS = Math.max(LOOK_MS, 60_000 / speed);
const MOST_S = 1_000_000;
const SIGNS = "○△▲■";
const LAYERS = "#identify, #emergency, #takeover, #dark, #content, #guide";
const BESIDE = "small, rt, [data-age], .note, .opens"; // numbers that are no values

let looked = -Infinity;
let told = -Infinity;
let before = "";
let last = "";
const rows = new Map(); // by kind and id: what it showed when it was last seen, and when that was
const alarms = new Map(); // emergencies that take turns: when each was last seen

const isSeen = (item) => !!item?.checkVisibility({ opacityProperty: true, visibilityProperty: true });

// Whether it is what one sees at its middle: nothing lies over it, and it lies on the glass.
function isOnTop(item) {
  if (!isSeen(item)) return false;
  const { left, top, width, height } = item.getBoundingClientRect();
  return item.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}

function text(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(BESIDE) || !isSeen(node)) return "";
  return [...node.childNodes].map(text).join("");
}

const numbers = (item) => (text(item).match(/\d+/g) ?? []).map(Number);
const seen = (item, what) => [...item.querySelectorAll(what)].filter(isSeen);

function level(item) {
  const [sign] = seen(item, ".chip .shape");
  return sign && SIGNS.indexOf(sign.textContent.trim()) + 1 || null;
}

// What stands in each place of a row, by what the place is for.
const PLACES = {
  service: (item) => {
    const cells = seen(item, "td.number");
    return cells.length > 1 ? { people: cells[0], wait: cells[1] } : { wait: cells[0] };
  },
  lot: (item) => ({ free: seen(item, ".count")[0], accessible: seen(item, ".sub b")[0] }),
  zone: (item) => ({ people: seen(item, ".count")[0] }),
};

function read(kind, now) {
  for (const item of document.querySelectorAll(`[id^="${kind}-"][data-state]`)) {
    if (!isOnTop(item)) continue;
    const id = item.id.slice(kind.length + 1);
    const places = Object.entries(PLACES[kind](item)).filter(([, place]) => place);
    const found = Object.fromEntries(places.map(([name, place]) => [name, numbers(place)]));
    rows.set(item.id, { kind, now, row: { id, phase: item.dataset.phase, level: level(item), numbers: found } });
  }
}

// What one sees in the middle of the glass.
function layer() {
  return document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(LAYERS)?.id ?? "board";
}

function called() {
  const panel = document.querySelector(".call");
  if (!panel || !isOnTop(panel)) return null;
  return [...seen(panel, ".called"), ...seen(document, ".before b")].map((item) => item.textContent.trim());
}

function emergencies(now, ago) {
  if (!isSeen(document.getElementById("emergency"))) alarms.clear();
  for (const item of document.querySelectorAll("article[data-emergency]")) if (isOnTop(item)) alarms.set(item.dataset.emergency, now);
  return [...alarms].map(([id, at]) => ({ id, ago_s: ago(at) }));
}

function look(now) {
  for (const kind of Object.keys(PLACES)) read(kind, now);
  for (const id of rows.keys()) if (!document.getElementById(id)) rows.delete(id);
  const ago = (at) => Math.min(Math.ceil(((now - at) * speed) / 1000), MOST_S);
  const of = (kind) => [...rows.values()].filter((each) => each.kind === kind).map((each) => ({ ...each.row, ago_s: ago(each.now) }));
  const clock = document.getElementById("clock");
  const dots = [...document.querySelectorAll(".dots i")];
  return {
    layer: layer(),
    language: root.lang,
    page: Math.max(0, dots.findIndex((dot) => dot.matches(".on"))),
    pages: dots.length || 1,
    places: ["wait", "free", "accessible", ...(root.classList.contains("far") ? [] : ["people"])],
    clock: isOnTop(clock) ? (clock.textContent.match(/\d\d:\d\d/)?.[0] ?? null) : null,
    services: of("service"),
    lots: of("lot"),
    zones: of("zone"),
    called: called(),
    emergencies: emergencies(now, ago),
  };
}

// What is on it now: neither the clock nor the age of what is not.
function sign(screen) {
  const now = (list) => list.filter((row) => !row.ago_s);
  const lists = Object.entries(screen).map(([name, value]) => [name, value?.[0]?.id ? now(value) : value]);
  return JSON.stringify({ ...Object.fromEntries(lists), clock: null });
}

export function tick() {
  const now = performance.now();
  if (now - looked < LOOK_MS) return;
  looked = now;
  const screen = look(now);
  const is = sign(screen);
  const isCalm = is === before;
  before = is;
  if (now - told < (isCalm && is !== last ? Math.min(CALM_MS, EACH_MS) : EACH_MS)) return;
  told = now;
  last = is;
  fetch(address, { method: "POST", body: JSON.stringify(screen) }).catch(() => {}); // silence is noticed
}

export function swapped() {}
