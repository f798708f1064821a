// A call in long words is set smaller until it fits the screen: its style sheet takes --fit for what is larger than must be.
const SMALLEST = 0.2;
const STEP = 0.04;

const isCut = (place) =>
  [place, ...place.querySelectorAll("*")].some((item) => item.clientWidth && item.scrollWidth > item.clientWidth + 1) ||
  place.scrollHeight > place.clientHeight + 1;

export function fit() {
  const place = document.getElementById("takeover");
  for (let size = 1; size > SMALLEST; size -= STEP) {
    place.style.setProperty("--fit", size);
    if (!isCut(place)) return;
  }
}
