// Calls take the screen over one by one. The Pi's server keeps the queue: it is asked for the next call and told in the
// same breath that the one before was shown. So a page that is loaded anew goes on with the call at which it was.
import { fit } from "./fit.js";

const { dataset } = document.documentElement;
const speed = Number(dataset.speed);
const SHOWN_MS = Math.max(1200, 8000 / speed);
const APART_MS = 3000 / speed;
const AGAIN_MS = 500;
const BREATH_MS = 600;
const LONGEST_MS = 30_000; // a sound that does not end

const takeover = document.getElementById("takeover");
const address = `${dataset.root}/call${location.search}`;
const voice = new Audio();
const bell = new Audio(`${dataset.root}/voice/chime.wav`);
const held = []; // who waits until an emergency is over
let turn = 0;
let hide = 0;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const isEmergency = () => "emergency" in dataset;

async function next(shown) {
  for (;;) {
    try {
      const answer = await fetch(address, { method: "POST", body: shown });
      if (answer.status === 200) return await answer.text();
      if (answer.ok) continue;
    } catch {
      // the server is away: what was shown is told when it is back
    }
    await sleep(AGAIN_MS);
  }
}

// Ends with the sound, or at once where there is none: a call is shown whatever becomes of its sound.
function heard(player, url) {
  return new Promise((done) => {
    player.onended = player.onerror = player.onpause = done;
    if (url) player.src = url;
    else player.currentTime = 0;
    player.play().catch(done);
    setTimeout(done, LONGEST_MS);
  });
}

function hush() {
  turn += 1;
  bell.pause();
  voice.pause();
  quiet(false);
}

// The words that are said are read below, each language while it is said.
function read(words) {
  for (const other of takeover.querySelectorAll(".said > *")) other.hidden = other !== words;
  fit();
}

async function say(mine, round) {
  const said = [...takeover.querySelectorAll(".said > *")];
  if (round === 1) {
    voice.pause();
    bell.volume = 1;
    await heard(bell);
  }
  for (const words of said) {
    if (mine !== turn) return;
    if (!words.dataset.sound) continue;
    read(words);
    await heard(voice, words.dataset.sound);
  }
}

// Without a sound they are only read.
async function turnOver(mine) {
  const said = [...takeover.querySelectorAll(".said > *")];
  for (const words of said) {
    if (mine !== turn) return;
    read(words);
    await sleep(SHOWN_MS / said.length);
  }
}

function quiet(is) {
  document.dispatchEvent(new CustomEvent("machiai:quiet", { detail: is })); // content plays lower meanwhile
}

function show(html) {
  const mine = ++turn;
  takeover.innerHTML = html;
  takeover.hidden = false;
  read(takeover.querySelector(".said > *"));
  quiet(true);
  clearTimeout(hide);
  const gone = new Promise((done) => (hide = setTimeout(done, SHOWN_MS))).then(() => (takeover.hidden = true));
  const isSaid = "chime" in takeover.firstElementChild.dataset;
  const once = isSaid ? say(mine, 1) : turnOver(mine);
  const rested = once.then(() => sleep(BREATH_MS)); // meanwhile it is known whether another waits
  const twice = rested.then(() => isSaid && mine === turn && say(mine, 2));
  Promise.all([gone, twice]).then(() => mine === turn && quiet(false));
  return isSaid && speed === 1 ? once : null; // time that is made to run leaves none to speak
}

async function run() {
  let shown = "";
  for (;;) {
    const html = await next(shown);
    if (isEmergency()) await new Promise((done) => held.push(done));
    const said = show(html);
    await Promise.all([sleep(APART_MS), said]);
    shown = takeover.firstElementChild.dataset.key;
  }
}

export function swapped() {}

export function tick() {
  if (isEmergency()) {
    if (!takeover.hidden) hush();
    takeover.hidden = true;
  } else held.splice(0).forEach((go) => go());
}

// The first sound of a browser comes late: it is one that nobody hears.
bell.volume = 0;
heard(bell);
run();
