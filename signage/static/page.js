// The resident's page: auto-update that can be switched off, and one quiet voice for screen readers.
import { listen, start } from "./live.js";

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

// What is new since this last spoke: the answer, and notices that are more than information.
function announce() {
  const now = [...document.querySelectorAll("h1, .notices .warning, .notices .emergency")].map(spoken);
  said ??= now;
  const news = now.filter((text) => text && !said.includes(text));
  if (!news.length) said = now;
  if (!news.length || performance.now() - saidAt < QUIET_MS || !status) return;
  status.textContent = news.join(" ");
  setTimeout(() => (status.textContent = ""), HEARD_MS);
  saidAt = performance.now();
  said = now;
}

function keep(on) {
  try {
    localStorage.setItem("auto", on ? "on" : "off");
  } catch {
    // a browser that keeps nothing updates all the same
  }
}

function kept() {
  try {
    return localStorage.getItem("auto") !== "off";
  } catch {
    return true;
  }
}

function set(on) {
  listen(on);
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", on);
  button.querySelector("b").textContent = on ? button.dataset.on : button.dataset.off;
}

start(announce);
set(button ? kept() : true);
button?.addEventListener("click", () => {
  const on = button.getAttribute("aria-pressed") !== "true";
  keep(on);
  set(on);
});
