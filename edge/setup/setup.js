// The set-up page: what is drawn, what is counted in it, and what it comes to in the site file.
import { Drawing } from "./drawing.js";

const $ = (id) => document.getElementById(id);
const PAUSE_MS = 200;
const LOST = 4; // pictures in a row that did not come: it is over
const KINDS = [
  { key: "zones", one: "zone", title: ["区域", "Zones"] },
  { key: "lines", one: "line", title: ["通過線", "Lines"] },
  { key: "lots", one: "lot", title: ["駐車場", "Car parks"] },
];

const about = await (await fetch("/plan")).json();
const plans = about.cameras.map((camera) => camera.plan);
const tomls = about.cameras.map((camera) => camera.toml);
const pasts = about.cameras.map(() => []);
let camera = 0;
let selected = null;
let seen = null;
let mistake = null;
let isOver = false;

const drawing = new Drawing($("drawing"), { select, before: remember, change: changed });

function both(ja, en) {
  const small = document.createElement("small");
  small.lang = "en";
  small.textContent = en;
  return [`${ja} `, small];
}

function made(name, properties = {}, ...children) {
  const { data, aria, ...rest } = properties;
  const element = Object.assign(document.createElement(name), rest);
  Object.assign(element.dataset, data);
  for (const [key, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${key}`, value);
  element.append(...children);
  return element;
}

const plan = () => plans[camera];
const named = (kind, id) => about[kind].find((thing) => thing.id === id)?.name ?? {};
const nameOf = (kind, id) => named(kind, id).ja ?? named(kind, id).en ?? id;
const itemOf = (kind, id) => plan()[kind.key].find((item) => item[kind.one] === id);

function shapes() {
  const polygon = (key, kind, label, points) => ({
    key, kind, label, points, closed: true, put: (i, point) => { points[i] = point; },
  });
  const ends = (key, kind, label, item) => ({
    key, kind, label, points: [item.from, item.to], closed: false,
    put(i, point) {
      item[i ? "to" : "from"] = point;
      this.points[i] = point;
    },
  });
  return [
    ...plan().lots.flatMap((lot) => [
      ...lot.rows.map((row, i) => ({
        ...ends(`lots/${lot.lot}/rows/${i}`, "row", i ? "" : nameOf("lots", lot.lot), row), row,
      })),
      ...lot.slots.map((slot, i) => polygon(`lots/${lot.lot}/slots/${i}`, "slot", String(i + 1), slot)),
    ]),
    ...plan().masks.map((mask, i) => polygon(`masks/${i}`, "mask", "×", mask)),
    ...plan().zones.map((item) => polygon(`zones/${item.zone}`, "zone", nameOf("zones", item.zone), item.polygon)),
    ...plan().lines.map((item) => ends(`lines/${item.line}`, "line", nameOf("lines", item.line), item)),
  ];
}

// What changes the plan

function remember() {
  const now = JSON.stringify(plan());
  if (pasts[camera].at(-1) !== now) pasts[camera].push(now);
}

function edit(change) {
  remember();
  change();
  changed(true);
}

function changed(isDone) {
  drawing.show(shapes(), selected);
  if (!isDone) return;
  list();
  tell();
}

function select(key) {
  drawing.cancel();
  selected = key;
  changed(false);
  list();
}

function draw(key, label, most, done) {
  selected = key;
  drawing.show(shapes(), selected);
  drawing.begin({
    label, most,
    done: (points) => edit(() => {
      selected = done(points);
    }),
  });
  list();
}

function remove(kind, id) {
  edit(() => {
    plan()[kind.key] = plan()[kind.key].filter((item) => item[kind.one] !== id);
    if (selected?.startsWith(`${kind.key}/${id}`)) selected = null;
  });
}

function undo() {
  const now = JSON.stringify(plan());
  let past = pasts[camera].pop();
  if (past === now) past = pasts[camera].pop();
  drawing.cancel();
  if (past !== undefined) plans[camera] = JSON.parse(past);
  if (!shapes().some((shape) => shape.key === selected)) selected = null;
  changed(true);
}

let asked = 0;
let answered = Promise.resolve();

/** Have the plan checked and counted by; one at a time, so that the last one stays. */
function tell() {
  const number = ++asked;
  const [where, body] = [camera, JSON.stringify(plan())];
  answered = answered.then(async () => {
    if (number !== asked) return;
    try {
      const answer = await (await fetch(`/plan/${where}`, { method: "POST", body })).json();
      if (answer.toml) tomls[where] = answer.toml;
      mistake = answer.mistake ?? null;
    } catch {
      return; // the pictures will say that it is over
    }
    $("mistake").textContent = mistake ?? "";
    $("toml").value = tomls[where];
  });
  return answered;
}

// The list of what can be drawn

function button(ja, en, act, { pressed, ...data } = {}) {
  const aria = pressed === undefined ? {} : { pressed };
  return made("button", { type: "button", onclick: act, data, aria }, ...both(ja, en));
}

function list() {
  const focused = document.activeElement?.dataset?.act;
  const sections = KINDS.filter((kind) => about[kind.key].length).map((kind) =>
    made("section", {}, made("h2", {}, ...both(...kind.title)), ...about[kind.key].map((thing) => card(kind, thing))));
  $("things").replaceChildren(...sections, masks());
  if (focused) $("things").querySelector(`[data-act="${focused}"]`)?.focus();
  $("finish").disabled = !drawing.canFinish();
  $("add").disabled = !drawing.canAdd();
  $("drop").disabled = !drawing.canDrop();
  $("undo").disabled = !pasts[camera].length;
  hint();
  counts();
}

function card(kind, { id }) {
  const item = itemOf(kind, id);
  const name = named(kind.key, id);
  const title = made("h3", {}, nameOf(kind.key, id), " ", made("small", { lang: "en" }, `${name.en ?? ""} (${id})`));
  const count = made("p", { className: "count", data: { count: `${kind.key}/${id}` } });
  const body = { zones: zone, lines: line, lots: lot }[kind.key](kind, id, item);
  const isSelected = selected?.split("/").slice(0, 2).join("/") === `${kind.key}/${id}`;
  return made("article", { className: `card${isSelected ? " selected" : ""}` }, title, count, ...body);
}

function usual(kind, id, key = `${kind.key}/${id}`, drop = () => remove(kind, id)) {
  return [
    button("直す", "Edit", () => select(selected === key ? null : key), { act: `edit ${key}`, pressed: selected === key }),
    button("消す", "Remove", drop, { act: `remove ${key}` }),
  ];
}

function zone(kind, id, item) {
  const key = `zones/${id}`;
  const add = (polygon) => {
    plan().zones.push({ zone: id, polygon, anchor: "foot" });
    return key;
  };
  if (!item) {
    return [made("p", { className: "acts" },
      button("囲んで描く", "Draw", () => draw(key, nameOf("zones", id), undefined, add), { act: `draw ${key}` }),
      button("画面全体", "Whole picture", () => edit(() => {
        selected = add([[0, 0], [1, 0], [1, 1], [0, 1]]);
      }), { act: `whole ${key}` }))];
  }
  const radio = (value, ja, en) => made("label", {},
    made("input", {
      type: "radio", name: key, value, checked: item.anchor === value, data: { act: `${value} ${key}` },
      onchange: () => edit(() => { item.anchor = value; }),
    }), ...both(ja, en));
  return [
    made("p", { className: "acts" }, ...usual(kind, id)),
    made("fieldset", {}, made("legend", {}, ...both("人の位置", "Where a person is")),
      radio("foot", "足もと", "Feet"), radio("centre", "体の中心", "Middle")),
  ];
}

function line(kind, id, item) {
  const key = `lines/${id}`;
  if (!item) {
    return [made("p", { className: "acts" }, button("線を引く", "Draw", () => draw(key, nameOf("lines", id), 2, ([from, to]) => {
      plan().lines.push({ line: id, from, to });
      return key;
    }), { act: `draw ${key}` }))];
  }
  return [made("p", { className: "acts" }, ...usual(kind, id),
    button("入る向きを逆に", "Swap in and out", () => edit(() => {
      [item.from, item.to] = [item.to, item.from];
    }), { act: `swap ${key}` }))];
}

function lot(kind, id, item) {
  const key = `lots/${id}`;
  const taken = () => {
    if (!itemOf(kind, id)) plan().lots.push({ lot: id, slots: [], rows: [] });
    return itemOf(kind, id);
  };
  const addRow = ([from, to]) => {
    const { rows } = taken();
    rows.push({ from, to, depth: 0.15, slots: 5 });
    return `${key}/rows/${rows.length - 1}`;
  };
  const addSlot = (points) => {
    const { slots } = taken();
    slots.push(points);
    return `${key}/slots/${slots.length - 1}`;
  };
  const drop = (part, i) => edit(() => {
    item[part].splice(i, 1);
    selected = null;
    if (!item.rows.length && !item.slots.length) plan().lots = plan().lots.filter((other) => other !== item);
  });
  const rows = (item?.rows ?? []).map((row, i) => made("div", { className: "part" },
    made("label", {}, ...both(`列 ${i + 1}`, `Row ${i + 1}`), made("input", {
      type: "number", min: 1, max: 500, value: row.slots, data: { act: `slots ${key}/rows/${i}` },
      onchange: (event) => edit(() => {
        row.slots = Math.min(500, Math.max(1, Math.round(Number(event.target.value)) || 1));
      }),
    }), ...both("区画", "slots")),
    made("p", { className: "acts" }, ...usual(kind, id, `${key}/rows/${i}`, () => drop("rows", i)),
      button("向きを逆に", "Other side", () => edit(() => {
        [row.from, row.to] = [row.to, row.from];
      }), { act: `swap ${key}/rows/${i}` }))));
  const slots = (item?.slots ?? []).map((_, i) => made("div", { className: "part" },
    made("p", { className: "acts" }, made("span", {}, ...both(`区画 ${i + 1}`, `Slot ${i + 1}`)),
      ...usual(kind, id, `${key}/slots/${i}`, () => drop("slots", i)))));
  return [...rows, ...slots, made("p", { className: "acts" },
    button("列を足す", "Add a row", () => draw(`${key}/rows/new`, "", 2, addRow), { act: `row ${key}` }),
    button("区画を足す", "Add a slot", () => draw(`${key}/slots/new`, "", undefined, addSlot), { act: `slot ${key}` }))];
}

function masks() {
  const drop = (i) => edit(() => {
    plan().masks.splice(i, 1);
    selected = null;
  });
  const add = (points) => `masks/${plan().masks.push(points) - 1}`;
  const parts = plan().masks.map((_, i) => made("p", { className: "acts" },
    made("span", {}, ...both(`範囲 ${i + 1}`, `Mask ${i + 1}`)), ...usual(null, null, `masks/${i}`, () => drop(i))));
  return made("section", {}, made("h2", {}, ...both("数えない範囲", "Masks: not counted")),
    made("article", { className: "card" },
      made("p", { className: "count" }, ...both("ポスター、鏡、窓の外など。", "Posters, mirrors, what is outside.")), ...parts,
      made("p", { className: "acts" }, button("囲んで描く", "Draw",
        () => draw("masks/new", "", undefined, add), { act: "draw masks" }))));
}

function hint() {
  const shape = drawing.shapes.find((each) => each.key === selected);
  const [ja, en] = drawing.fresh
    ? drawing.fresh.most
      ? ["線の始まりと終わりを押してください。キー：矢印で動かし、スペースで点を置きます。",
        "Press where the line begins and ends. Keys: arrows move, space puts a point."]
      : ["角を順に押し、最初の点か「完了」で閉じます。キー：矢印で動かし、スペースで点を置き、Enter で閉じます。",
        "Press the corners in turn; the first one again or Finish closes. Keys: arrows move, space puts, Enter closes."]
    : shape
      ? ["点を引いて直します。キー：Tab で点を選び、矢印（Shift で大きく）で動かします。",
        "Drag the points. Keys: Tab to a point, arrows move it (Shift: further)."]
      : ["一覧から選んで描いてください。人はぼかして表示しています。",
        "Choose from the list and draw. People are blurred."];
  $("hint").replaceChildren(...both(ja, en));
}

function counts() {
  for (const element of document.querySelectorAll("[data-count]")) {
    const [kind, id] = element.dataset.count.split("/");
    const drawn = plan()[kind].some((item) => item[kind.slice(0, -1)] === id);
    element.replaceChildren(...(drawn && seen ? said(kind, id) : both(drawn ? "確認中" : "まだ描いていません", drawn ? "Looking" : "Not drawn yet")));
    element.classList.toggle("live", Boolean(drawn && seen));
  }
}

function said(kind, id) {
  if (kind === "zones") {
    const people = seen.people[id];
    return people === undefined ? both("確認中", "Looking") : both(`いま ${people}人`, `${people} ${people === 1 ? "person" : "people"} now`);
  }
  if (kind === "lines") {
    const [into, out] = seen.crossed[id] ?? [0, 0];
    return both(`入 ${into}・出 ${out}`, `${into} in, ${out} out`);
  }
  const [taken, slots] = seen.cars[id] ?? [null, 0];
  return taken === null ? both("確認中", "Looking") : both(`${taken} / ${slots} 台`, `${taken} of ${slots} taken`);
}

// The pictures

function cover(ja, en) {
  $("covered").hidden = ja === null;
  if (ja === null) return;
  $("covered").replaceChildren(...both(ja, en));
  seen = null;
  drawing.stand([]);
  $("picture").getContext("2d").clearRect(0, 0, $("picture").width, $("picture").height);
  counts();
}

function left(seconds) {
  const minutes = Math.ceil(seconds / 60);
  $("left").replaceChildren(...(seconds > about.warn_s
    ? both(`残り ${minutes}分`, `${minutes} min left`)
    : both(`残り ${seconds}秒`, `${seconds} s left`)));
  const isLate = seconds <= about.warn_s;
  $("left").classList.toggle("late", isLate);
  if (isLate && $("alert").hidden) {
    $("alert").hidden = false;
    $("alert").replaceChildren(...both("まもなく自動で終わります。保存してください。", "This ends by itself soon. Save your work."));
  }
}

function over() {
  isOver = true;
  cover("カメラの設定は終わりました", "The camera set-up is over");
  $("left").replaceChildren();
  $("alert").hidden = false;
  $("alert").replaceChildren(...both("終わりました。続けるには、端末でもう一度始めてください。", "It is over. To go on, start it again on the terminal."));
  for (const each of document.querySelectorAll("#save, #end, #download")) each.hidden = true;
}

async function watch() {
  let lost = 0;
  while (!isOver) {
    try {
      const where = camera;
      const answer = await fetch(`/frame/${where}?after=${seen?.number ?? ""}`);
      lost = 0;
      if (answer.status === 401) return over();
      left(Number(answer.headers.get("Machiai-Left")));
      if (where === camera && answer.status === 200) await paint(answer);
      else if (where === camera && answer.status !== 204) cover("映像がありません", await answer.text());
    } catch {
      lost += 1;
      if (lost >= LOST) return over();
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function paint(answer) {
  const told = JSON.parse(answer.headers.get("Machiai-Seen"));
  const bitmap = await createImageBitmap(await answer.blob());
  const picture = $("picture");
  const isNew = picture.width !== bitmap.width || picture.height !== bitmap.height;
  if (isNew) {
    Object.assign(picture, { width: bitmap.width, height: bitmap.height });
    $("stage").style.maxWidth = `calc((100vh - 250px) * ${bitmap.width / bitmap.height})`;
  }
  picture.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  seen = told;
  cover(null);
  if (isNew) drawing.size(picture.width, picture.height);
  drawing.stand(told.places);
  $("basis").textContent = told.basis;
  counts();
  document.documentElement.dataset.ready = "";
}

// Buttons

async function save() {
  await tell();
  if (mistake) return;
  $("toml").value = tomls[camera];
  $("download").href = `/snippet/${camera}`;
  $("saved").hidden = false;
  $("saved-title").focus();
  $("saved").scrollIntoView({ block: "end" });
}

async function copy() {
  $("toml").select();
  try {
    await navigator.clipboard.writeText($("toml").value);
  } catch {
    document.execCommand("copy"); // a page without TLS has no clipboard
  }
  $("copied").replaceChildren(...both("コピーしました", "Copied"));
}

$("finish").onclick = () => drawing.finish();
$("add").onclick = () => drawing.add();
$("drop").onclick = () => drawing.drop();
$("undo").onclick = undo;
$("save").onclick = save;
$("copy").onclick = copy;
$("end").onclick = () => fetch("/end", { method: "POST" }).finally(over);
$("drawing").addEventListener("keyup", list);
$("drawing").addEventListener("pointerup", list);
document.addEventListener("keydown", (event) => {
  if (event.key === "z" && (event.ctrlKey || event.metaKey) && event.target.tagName !== "TEXTAREA") {
    event.preventDefault();
    undo();
  }
});
addEventListener("resize", () => drawing.render());

$("device").append(about.device.name.ja ?? about.device.id, " ", made("small", {}, about.device.id));
$("how").append(...both(`端末「${about.device.id}」の、このカメラの [[devices.sensors]] をこの内容に置きかえます。`,
  `Put this in the place of this camera's [[devices.sensors]] below the device ${about.device.id}.`));
if (about.cameras.length > 1) {
  $("cameras").hidden = false;
  $("camera").append(...about.cameras.map((each, i) => made("option", { value: i }, `${i + 1}: ${each.source}`)));
  $("camera").onchange = () => {
    camera = Number($("camera").value);
    cover("映像を待っています", "Waiting for the camera");
    select(null);
    tell();
  };
}
left(Math.round(about.limit_s));
changed(false);
list();
watch();
