// Services that a resident wants on top. They stay on the phone; nobody else is told.
import { keep, recall } from "./kept.js";

const pinned = new Set(recall("pins")?.split(" "));
let order = [];

// The pinned ones first, both groups as the office has them; nothing moves that stands right.
function sort(part) {
  const pins = [...part.querySelectorAll(".pin")];
  const rank = ({ value }) => order.indexOf(value) - (pinned.has(value) ? pins.length : 0);
  const sorted = [...pins].sort((one, other) => rank(one) - rank(other));
  for (const pin of pins) pin.ariaPressed = pinned.has(pin.value);
  if (sorted.some((pin, i) => pin !== pins[i])) pins[0].closest("ul").append(...sorted.map((pin) => pin.closest("li")));
}

// A part as the server wrote it: its order is the office's.
export function arrange(part) {
  order = [...part.querySelectorAll(".pin")].map((pin) => pin.value);
  sort(part);
}

export function watch(live, say) {
  arrange(live);
  live.addEventListener("click", ({ target }) => {
    const pin = target.closest(".pin");
    if (!pin) return;
    const isUp = !pinned.delete(pin.value) && pinned.add(pin.value);
    keep("pins", [...pinned].join(" "));
    sort(live);
    pin.focus(); // what is moved loses it
    say(pin.closest("ul").dataset[isUp ? "up" : "back"]);
  });
}
