// The lobby screen. Each part hears of each swap and of each second; a new part is one line here.
import * as board from "./board.js";
import * as calls from "./calls.js";
import { listen, start } from "./live.js";

const PARTS = [board, calls];
const speed = Number(document.documentElement.dataset.speed);

start(() => PARTS.forEach((part) => part.swapped()));
setInterval(() => PARTS.forEach((part) => part.tick()), Math.max(200, 1000 / speed));
listen(true);
