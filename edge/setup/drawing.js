// Shapes over the picture: drawn and corrected by mouse, finger or keyboard. Places are shares of the picture, 0..1.
const SVG = "http://www.w3.org/2000/svg";
const NEAR_PX = 14; // on the screen: a finger that means the same point
const STEP = 0.01;
const BIG_STEP = 0.05;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const share = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
const percent = (value) => `${Math.round(value * 1000) / 10}%`;

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The corners of each slot of a row, as `Row.polygons` of models/sensing/plan.py has them. */
export function slotsOf(row) {
  const [[ax, ay], [bx, by]] = [row.from, row.to];
  const length = Math.hypot(bx - ax, by - ay) || 1;
  const [dx, dy] = [((ay - by) / length) * row.depth, ((bx - ax) / length) * row.depth];
  const at = (i) => [ax + ((bx - ax) * i) / row.slots, ay + ((by - ay) * i) / row.slots];
  return Array.from({ length: row.slots }, (_, i) => {
    const [[x, y], [u, v]] = [at(i), at(i + 1)];
    return [[x, y], [u, v], [u + dx, v + dy], [x + dx, y + dy]];
  });
}

/**
 * A shape is { key, kind, label, points, closed, put(i, point), row }. While one is drawn, `fresh` is
 * { kind, label, most, done(points) }, and `points` grow.
 */
export class Drawing {
  constructor(svg, { select, before, change }) {
    Object.assign(this, { svg, select, before, change });
    this.shapes = [];
    this.selected = null;
    this.handle = 0; // of the selected shape
    this.fresh = null;
    this.points = [];
    this.cursor = [0.5, 0.5];
    this.drag = null;
    this.people = element("g", {});
    this.layer = element("g", {});
    svg.append(this.people, this.layer);
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => this.#up());
    svg.addEventListener("keydown", (event) => this.#key(event));
    svg.addEventListener("focusin", (event) => {
      const i = event.target.dataset?.handle;
      if (i === undefined || Number(i) === this.handle) return;
      this.handle = Number(i);
      this.render();
    });
  }

  get #shape() {
    return this.shapes.find((shape) => shape.key === this.selected);
  }

  size(width, height) {
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.render();
  }

  show(shapes, selected) {
    if (selected !== this.selected) this.handle = 0;
    Object.assign(this, { shapes, selected });
    this.render();
  }

  /** Where people are. Nothing else is touched: a point that has the focus keeps it. */
  stand(places) {
    const { width, height, scale } = this.#box();
    this.people.replaceChildren(...places.map(([x, y]) =>
      element("circle", { class: "place", cx: x * width, cy: y * height, r: 5 * scale })));
  }

  begin(fresh) {
    Object.assign(this, { fresh, points: [], cursor: [0.5, 0.5], isKeyed: false });
    this.render();
    this.svg.focus();
  }

  cancel() {
    this.fresh = null;
    this.points = [];
    this.render();
  }

  finish() {
    const { fresh, points } = this;
    if (!fresh || points.length < (fresh.most ?? 3)) return;
    this.cancel();
    fresh.done(points);
  }

  canFinish() {
    return this.fresh !== null && this.points.length >= (this.fresh.most ?? 3);
  }

  canAdd() {
    return !this.fresh && Boolean(this.#shape?.closed);
  }

  canDrop() {
    const shape = this.#shape;
    return this.fresh ? this.points.length > 0 : Boolean(shape?.closed && shape.points.length > 3);
  }

  /** A corner between the active one and the next. */
  add(i = this.handle) {
    const { points } = this.#shape;
    const [a, b] = [points[i], points[(i + 1) % points.length]];
    this.before();
    points.splice(i + 1, 0, [share((a[0] + b[0]) / 2), share((a[1] + b[1]) / 2)]);
    this.handle = i + 1;
    this.change(true);
  }

  drop() {
    if (!this.canDrop()) return;
    if (this.fresh) {
      this.points.pop();
      this.render();
      return;
    }
    this.before();
    this.#shape.points.splice(this.handle, 1);
    this.handle = Math.max(0, this.handle - 1);
    this.change(true);
  }

  #box() {
    const { width, height } = this.svg.viewBox.baseVal;
    return { width, height, scale: width / (this.svg.clientWidth || width) };
  }

  #at(event) {
    const frame = this.svg.getBoundingClientRect();
    return [
      share((event.clientX - frame.left) / frame.width),
      share((event.clientY - frame.top) / frame.height),
    ];
  }

  #isNear(a, b) {
    const { clientWidth, clientHeight } = this.svg;
    return Math.hypot((a[0] - b[0]) * clientWidth, (a[1] - b[1]) * clientHeight) < NEAR_PX;
  }

  #place(point) {
    const { points, fresh } = this;
    const isEnd = points.length > 2 && this.#isNear(point, points[0]);
    if (isEnd && !fresh.most) return this.finish();
    if (points.length && this.#isNear(point, points.at(-1))) {
      return this.canFinish() ? this.finish() : undefined;
    }
    points.push(point);
    if (points.length === fresh.most) return this.finish();
    this.render();
  }

  #down(event) {
    if (event.button) return;
    const point = this.#at(event);
    if (this.fresh) {
      event.preventDefault();
      this.svg.focus();
      this.isKeyed = false;
      this.cursor = point;
      this.#place(point);
      return;
    }
    const { handle, middle, key } = event.target.dataset;
    if (handle !== undefined || middle !== undefined) {
      event.preventDefault();
      this.svg.setPointerCapture(event.pointerId);
      if (middle !== undefined) this.add(Number(middle));
      else {
        this.before();
        this.handle = Number(handle);
      }
      this.drag = this.#shape;
      this.render();
      this.svg.querySelector(`[data-handle="${this.handle}"]`)?.focus();
    } else if (key) this.select(key);
  }

  #move(event) {
    const point = this.#at(event);
    if (this.drag) {
      this.#put(this.drag, this.handle, point);
      this.change(false);
    } else if (this.fresh) {
      this.cursor = point;
      this.render();
    }
  }

  #up() {
    if (!this.drag) return;
    this.drag = null;
    this.change(true);
  }

  #put(shape, i, point) {
    if (i < shape.points.length) {
      shape.put(i, point);
      return;
    }
    const { row } = shape; // the handle of a row's depth
    const [[ax, ay], [bx, by]] = [row.from, row.to];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const [x, y] = [point[0] - (ax + bx) / 2, point[1] - (ay + by) / 2];
    row.depth = Math.max(0.01, share((x * (ay - by) + y * (bx - ax)) / length));
  }

  #key(event) {
    const arrow = ARROWS[event.key];
    const step = event.shiftKey ? BIG_STEP : STEP;
    if (this.fresh) {
      if (arrow) {
        this.isKeyed = true;
        this.cursor = this.cursor.map((value, axis) => share(value + arrow[axis] * step));
        this.render();
      } else if (event.key === " ") this.#place([...this.cursor]);
      else if (event.key === "Enter") this.finish();
      else if (event.key === "Backspace" || event.key === "Delete") this.drop();
      else if (event.key === "Escape") {
        this.cancel();
        this.change(true);
      } else return;
      event.preventDefault();
      return;
    }
    const shape = this.#shape;
    if (event.target.dataset.handle === undefined || !shape) return;
    if (arrow) {
      const from = this.#handles(shape)[this.handle];
      this.before();
      this.#put(shape, this.handle, from.map((value, axis) => share(value + arrow[axis] * step)));
      this.change(true);
    } else if (event.key === "Delete" || event.key === "Backspace") this.drop();
    else if ((event.key === "Insert" || event.key === "+") && this.canAdd()) this.add();
    else return;
    event.preventDefault();
  }

  #handles(shape) {
    if (!shape.row) return shape.points;
    const [, , c, d] = slotsOf({ ...shape.row, slots: 1 })[0];
    return [...shape.points, [(c[0] + d[0]) / 2, (c[1] + d[1]) / 2]];
  }

  render() {
    const focused = this.svg.contains(document.activeElement)
      ? document.activeElement.dataset.handle
      : undefined;
    const { width, height, scale } = this.#box();
    const px = ([x, y]) => [x * width, y * height];
    const list = (points) => points.map((point) => px(point).map((v) => v.toFixed(1)).join(",")).join(" ");
    const parts = [];
    for (const shape of this.shapes) parts.push(this.#drawn(shape, px, list, scale));
    if (this.fresh) parts.push(...this.#growing(px, list, scale));
    else if (this.#shape) parts.push(...this.#grips(this.#shape, px, scale));
    this.layer.replaceChildren(...parts);
    this.svg.classList.toggle("drawing", this.fresh !== null);
    if (focused !== undefined) this.svg.querySelector(`[data-handle="${this.handle}"]`)?.focus();
  }

  #drawn(shape, px, list, scale) {
    const isSelected = shape.key === this.selected && !this.fresh;
    const group = element("g", { class: `${shape.kind}${isSelected ? " selected" : ""}` });
    const both = (name, attributes) => {
      for (const layer of ["under", "over"]) {
        group.append(element(name, { ...attributes, class: layer, "data-key": shape.key }));
      }
    };
    if (shape.row) {
      for (const slot of slotsOf(shape.row)) both("polygon", { points: list(slot) });
    } else if (shape.closed) both("polygon", { points: list(shape.points) });
    let [x, y] = px(middle(shape.points));
    if (shape.kind === "line") {
      both("polyline", { points: list(shape.points) });
      const [[ax, ay], [bx, by]] = shape.points.map(px);
      const length = Math.hypot(bx - ax, by - ay) || 1;
      const [u, v] = [(ay - by) / length, (bx - ax) / length]; // to the right of who walks from a to b
      const [tip, wing] = [34 * scale, 9 * scale];
      const [tx, ty] = [x + u * tip, y + v * tip];
      const head = [[tx, ty], [tx - u * wing * 1.6 - v * wing, ty - v * wing * 1.6 + u * wing],
        [tx - u * wing * 1.6 + v * wing, ty - v * wing * 1.6 - u * wing]];
      both("polyline", { points: `${x},${y} ${tx},${ty}` });
      group.append(element("polygon", { class: "head", points: head.map(String).join(" ") }));
      group.append(text(tx + u * 20 * scale, ty + v * 16 * scale, scale, "入 in"));
      [x, y] = [x - u * 22 * scale, y - v * 16 * scale];
    }
    if (shape.label) group.append(text(x, y, scale, shape.label));
    return group;
  }

  #growing(px, list, scale) {
    const { points, cursor } = this;
    const parts = [];
    if (points.length) {
      const line = list([...points, cursor]);
      parts.push(element("polyline", { class: "under", points: line }));
      parts.push(element("polyline", { class: "over fresh", points: line }));
    }
    for (const [x, y] of points.map(px)) {
      parts.push(element("circle", { class: "grip", cx: x, cy: y, r: 7 * scale }));
    }
    if (this.isKeyed || !points.length) {
      const [x, y] = px(cursor);
      const d = `M${x - 16 * scale} ${y}h${32 * scale}M${x} ${y - 16 * scale}v${32 * scale}`;
      parts.push(element("path", { class: "under cursor", d }), element("path", { class: "over cursor", d }));
    }
    return parts;
  }

  #grips(shape, px, scale) {
    const handles = this.#handles(shape);
    const parts = [];
    if (shape.closed) {
      handles.forEach((a, i) => {
        const [x, y] = px(middle([a, handles[(i + 1) % handles.length]]));
        parts.push(element("circle", { class: "between", cx: x, cy: y, r: 5 * scale }));
        const touch = { class: "touch", cx: x, cy: y, r: 16 * scale, "data-middle": i, "aria-hidden": "true" };
        parts.push(element("circle", touch));
      });
    }
    handles.forEach((point, i) => {
      const [x, y] = px(point);
      const isActive = i === this.handle ? " active" : "";
      parts.push(element("circle", { class: `grip${isActive}`, cx: x, cy: y, r: 8 * scale }));
      const where = `横 ${percent(point[0])}、縦 ${percent(point[1])}`;
      const what = i < shape.points.length ? `点 ${i + 1} / ${shape.points.length} Point` : "奥行き Depth";
      parts.push(element("circle", {
        class: "touch", cx: x, cy: y, r: 22 * scale, tabindex: 0, role: "button",
        "data-handle": i, "aria-label": `${shape.label} ${what} ${where}`,
      }));
    });
    return parts;
  }
}

function middle(points) {
  const sum = points.reduce(([x, y], [u, v]) => [x + u, y + v], [0, 0]);
  return sum.map((value) => value / points.length);
}

function text(x, y, scale, said) {
  return element("text", { x, y, "font-size": 15 * scale, "stroke-width": 4 * scale }, said);
}
