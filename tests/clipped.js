// Whatever sticks out of its box, off the page or into its neighbour, one line each.
() => {
  const found = [];
  const lobby = document.documentElement.classList.contains("lobby");
  const said = (e) => `${e.tagName}.${e.className} "${e.innerText.slice(0, 60)}"`;
  const shown = (e) => e.checkVisibility() && !e.closest(".unseen, .skip, .news, svg");
  const extent = (e) => {
    const range = document.createRange();
    range.selectNodeContents(e);
    return range.getBoundingClientRect();
  };
  for (const e of document.querySelectorAll("body *")) {
    if (!shown(e)) continue;
    const { display, overflow } = getComputedStyle(e);
    if (display !== "inline" && e.scrollWidth > e.clientWidth + 1) found.push(`${e.scrollWidth} in ${e.clientWidth} wide: ${said(e)}`);
    if (overflow !== "visible" && e.scrollHeight > e.clientHeight + 1) found.push(`${e.scrollHeight} in ${e.clientHeight} high: ${said(e)}`);
    const { right, bottom } = e.getBoundingClientRect();
    if (right > innerWidth + 1) found.push(`right ${right} of ${innerWidth}: ${said(e)}`);
    if (lobby && bottom > innerHeight + 1) found.push(`bottom ${bottom} of ${innerHeight}: ${said(e)}`);
  }
  for (const row of document.querySelectorAll(".board tr")) {
    const cells = [...row.children].filter(shown);
    for (let i = 1; i < cells.length; i++) {
      const [one, other] = [extent(cells[i - 1]), extent(cells[i])];
      const [left, right] = [one.right, other.left];
      if (left > right - 4 && one.bottom > (other.top + other.bottom) / 2) found.push(`${left} beside ${right}: ${said(cells[i - 1])} and ${said(cells[i])}`);
    }
  }
  const board = document.querySelector(".board")?.getBoundingClientRect().bottom;
  const foot = document.querySelector("#live > footer")?.getBoundingClientRect().top;
  if (board > foot + 1) found.push(`the table ends at ${board}, the footer begins at ${foot}`);
  return found;
}
