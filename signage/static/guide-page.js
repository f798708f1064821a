// A purpose of the guide on the phone: it stays current, which can be switched off as on the resident's page.
import { keep, recall } from "./kept.js";
import { listen, start } from "./live.js";
import { merge } from "./merge.js";

const button = document.getElementById("auto");

function set(on) {
  listen(on);
  button.ariaPressed = on;
  button.querySelector("b").textContent = button.dataset[on ? "on" : "off"];
}

start(
  () => {},
  (live, html) => {
    const part = live.cloneNode(false);
    part.innerHTML = html;
    merge(live, part);
  },
);
set(recall("auto") !== "off");
button.hidden = false;
button.addEventListener("click", () => {
  const on = button.ariaPressed !== "true";
  keep("auto", on ? "on" : "off");
  set(on);
});
