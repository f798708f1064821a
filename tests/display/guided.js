// Whatever of the guide sticks out of its box, off the screen or into its neighbour, one line each.
() => {
  const found = [];
  const guide = document.getElementById("guide");
  const said = (e) => `${e.tagName}.${e.className} "${e.innerText?.slice(0, 40)}"`;
  const place = guide.querySelector(".inner").getBoundingClientRect();
  for (const e of guide.querySelectorAll(".inner *")) {
    if (!e.checkVisibility() || e.closest("svg, .unseen")) continue;
    const { display, fontSize } = getComputedStyle(e);
    if (display.startsWith("inline") || display.startsWith("ruby")) continue;
    const { left, right, top, bottom } = e.getBoundingClientRect();
    if (e.scrollWidth > e.clientWidth + 1) found.push(`${e.scrollWidth} in ${e.clientWidth} wide: ${said(e)}`);
    if (e.scrollHeight > e.clientHeight + 0.45 * parseFloat(fontSize)) found.push(`${e.scrollHeight} in ${e.clientHeight} high: ${said(e)}`);
    if (left < place.left - 1 || right > place.right + 1 || top < place.top - 1 || bottom > place.bottom + 1) found.push(`off the screen: ${said(e)}`);
  }
  const info = guide.querySelector(".info").getBoundingClientRect();
  const reach = guide.querySelector(".reach").getBoundingClientRect();
  if (info.bottom > reach.top + 1) found.push(`text ends at ${info.bottom}, buttons begin at ${reach.top}`);
  for (const svg of guide.querySelectorAll(".plan, .take svg, .ways svg")) {
    const { width, height } = svg.getBoundingClientRect();
    if (Math.min(width, height) < 60) found.push(`a drawing of ${width} by ${height}`);
  }
  return found;
}
