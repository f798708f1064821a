// The resident's page: auto-update that can be switched off, and one quiet voice for screen readers.
import { listen, start } from "./live.js";

const button = document.getElementById("auto");
const status = document.getElementById("status");
const QUIET_MS = 60_000;
let said = null;
let saidAt = -QUIET_MS;

function announce() {
  const answer = document.querySelector("h1")?.innerText ?? "";
  if (said !== null && answer !== said && performance.now() - saidAt > QUIET_MS && status) {
    status.textContent = answer;
    saidAt = performance.now();
  }
  said ??= answer;
  if (status?.textContent === answer) said = answer;
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
