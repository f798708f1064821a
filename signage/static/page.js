// The resident's page: auto-update that can be switched off, and one quiet voice for screen readers.
import { keep, recall } from "./kept.js";
import { listen, start } from "./live.js";
import { merge } from "./merge.js";
import { arrange, watch } from "./pins.js";

const { root } = document.documentElement.dataset;
const button = document.getElementById("auto");
const status = document.getElementById("status");
const QUIET_MS = 60_000;
const HEARD_MS = 10_000; // what has been spoken does not stay to be read when it is old
let said = null;
let saidAt = -QUIET_MS;

// What is seen of an element, without the readings above its words: both would be heard.
function spoken(item) {
  const copy = item.cloneNode(true);
  const copies = [...copy.querySelectorAll("*")];
  [...item.querySelectorAll("*")].forEach((part, i) => {
    if (part.matches("rt") || !part.getClientRects().length) copies[i].remove();
  });
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function say(text) {
  status.textContent = text;
  setTimeout(() => (status.textContent = ""), HEARD_MS);
}

// What is new since this last spoke: the answer, and notices that are more than information.
function announce() {
  const now = [...document.querySelectorAll("h1, .notices .warning, .notices .emergency")].map(spoken);
  said ??= now;
  const news = now.filter((text) => text && !said.includes(text));
  if (news.length) {
    if (performance.now() - saidAt < QUIET_MS || !status) return;
    saidAt = performance.now();
    say(news.join(" "));
  }
  said = now;
}

function put(live, html) {
  const part = live.cloneNode(false);
  part.innerHTML = html;
  arrange(part);
  merge(live, part);
}

function set(on) {
  listen(on);
  if (!button) return;
  button.hidden = false;
  button.ariaPressed = on;
  button.querySelector("b").textContent = button.dataset[on ? "on" : "off"];
}

if (document.querySelector("[rel=manifest]")) navigator.serviceWorker?.register(`${root}/sw.js`, { updateViaCache: "none" });
start(announce, put);
watch(document.getElementById("live"), say);
set(recall("auto") !== "off" || !button);
button?.addEventListener("click", () => {
  const on = button.ariaPressed !== "true";
  keep("auto", on ? "on" : "off");
  set(on);
});
