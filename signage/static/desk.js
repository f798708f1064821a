// Without a script the clerk is reminded when the page is opened; with it, also when it stands open.
const desk = document.getElementById("desk");
const isBusy = () =>
  desk.querySelector("details[open]") !== null || document.activeElement?.matches("input, textarea, select");

function again() {
  if (isBusy()) setTimeout(again, 5000);
  else location.reload();
}

setTimeout(again, 1000 * Number(desk.dataset.again));
if (desk.querySelector(".soon")) document.title = `● ${document.title}`;
