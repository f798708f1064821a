// Some languages need more room than Japanese: what does not fit its place is set smaller, never cut.
const SMALLEST = 0.5;
const STEP = 0.04;
const PLACES = ".stage > header, .board, aside, #live > footer, .takeover";
const CLOSED = ".call, .takeover, footer"; // those that do not grow with what is in them

function isCut(place) {
  const foot = place.matches(".board") && document.querySelector("#live > footer");
  const end = foot ? foot.getBoundingClientRect().top : innerHeight;
  if (place.getBoundingClientRect().bottom > end + 1) return true;
  return [place, ...place.querySelectorAll("*")].some(
    (item) =>
      item.clientWidth &&
      (item.scrollWidth > item.clientWidth + 1 || (item.matches(CLOSED) && item.scrollHeight > item.clientHeight + 1)),
  );
}

// Only shrinks: what is shown in turn would else breathe. New content begins at full size.
export function fit(isNew) {
  for (const place of document.querySelectorAll(PLACES)) {
    let size = isNew ? 1 : Number(place.style.zoom || 1);
    place.style.zoom = size;
    while (size > SMALLEST && isCut(place)) place.style.zoom = size -= STEP;
  }
}
