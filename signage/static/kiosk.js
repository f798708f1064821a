// What lies over all: black while the panel is off, and which display this is, for whoever looks for it.
import "./beat.js";

const AGAIN_MS = 60_000;
const TONES_HZ = [880, 1320];
const TONE_S = 0.35;

const dark = document.getElementById("dark");
const identify = document.getElementById("identify");
let asked = -Infinity;
let until = 0;
let identified = null;

export async function swapped() {
  asked = performance.now();
  try {
    const answer = await fetch("/panel", { cache: "no-store" });
    if (answer.ok) show(await answer.json());
  } catch {
    // the server is gone: the panel stays as it is
  }
}

export function tick() {
  identify.hidden = performance.now() >= until;
  if (performance.now() - asked > AGAIN_MS) swapped();
}

function show(said) {
  dark.hidden = !said.asleep;
  const [name, id] = identify.children;
  name.textContent = said.name;
  name.lang = said.language;
  id.textContent = said.id;
  until = performance.now() + said.identify_s * 1000;
  identify.hidden = said.identify_s <= 0;
  if (said.identify_s > 0 && said.identified !== identified) ring();
  identified = said.identified;
}

function ring() {
  const audio = new AudioContext();
  TONES_HZ.forEach((pitch, i) => {
    const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
    const at = audio.currentTime + i * TONE_S;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.4, at);
    loudness.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
    tone.connect(loudness).connect(audio.destination);
    tone.start(at);
    tone.stop(at + TONE_S);
    if (i === TONES_HZ.length - 1) tone.onended = () => audio.close();
  });
}
