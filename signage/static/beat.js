// Tells the display's own server that frames are painted; its keeper (docs/kiosk.md) acts when that ends. The keeper
// opens the page under a name; a page that somebody else looks at beats for nobody.
const BEAT_MS = 2000;
const PATIENCE_MS = 5000;
const LATE_MS = 1000; // a frame that was asked for and has not come by then was not painted

const screen = new URLSearchParams(location.search).get("screen");
const shown = new Map(); // items of the playlist that came on since the last beat that was heard
let frames = 0;

const frame = () =>
  new Promise((done) => {
    const late = setTimeout(done, LATE_MS);
    requestAnimationFrame(() => {
      clearTimeout(late);
      frames += 1;
      done();
    });
  });

async function beat() {
  await frame();
  const told = [...shown];
  try {
    const body = JSON.stringify({ screen, frames, shown: Object.fromEntries(told) });
    const answer = await fetch("/beat", { method: "POST", body, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) for (const [item, times] of told) count(item, -times);
  } catch {
    // the server is gone: what was shown is told when it is back
  }
  setTimeout(beat, BEAT_MS);
}

function count(item, times) {
  const now = (shown.get(item) ?? 0) + times;
  if (now > 0) shown.set(item, now);
  else shown.delete(item);
}

if (screen) {
  document.documentElement.dataset.screen = screen; // a lobby has no pointer
  document.addEventListener("machiai:shown", (event) => count(String(event.detail.item).slice(0, 64), 1));
  beat();
}
