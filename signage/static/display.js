// The lobby screen. Each part hears of each swap and of each second; a new part is one name here.
import * as board from "./board.js";
import * as emergency from "./emergency.js";
import { listen, start } from "./live.js";

const ON_ITS_PI = ["calls", "content", "guide", "truth", "kiosk"]; // a preview has no queue, no playlist, no panel

const { part, speed } = document.documentElement.dataset;
const more = part.startsWith("/part") ? ON_ITS_PI : [];
const parts = [emergency, board, ...(await Promise.all(more.map((name) => import(`./${name}.js`))))];

start(() => parts.forEach((one) => one.swapped()));
setInterval(() => parts.forEach((one) => one.tick()), Math.max(200, 1000 / Number(speed)));
listen(true);
