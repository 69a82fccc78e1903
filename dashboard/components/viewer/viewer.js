// Draws the scene that scene.py describes. Data comes in as numbers; text goes into the page as text only.

const CAMERA_Z = 150; // 3Dmol's own
const FIELD = 20; // degrees
const views = new WeakMap(); // parentElement → View
const cameras = new Map(); // key → where the visitor left the camera
let loading = null;

export default function mount({ data, parentElement, setStateValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = new View(parentElement);
    views.set(parentElement, view);
  }
  view.update(data, setStateValue);
  return () => setTimeout(() => {
    if (view.host.isConnected) return;
    view.dispose();
    views.delete(parentElement);
  }, 100);
}

function loadLibrary(path) {
  if (globalThis.$3Dmol) return Promise.resolve();
  loading ??= new Promise((resolve, reject) => {
    const own = document.querySelector('script[src*="static/js/"]')?.src;
    const base = own ? own.slice(0, own.indexOf("static/js/")) : new URL("/", location.href).href;
    const script = document.createElement("script");
    script.src = new URL(path, base).href;
    script.onload = resolve;
    script.onerror = () => { loading = null; reject(new Error("3Dmol.js could not be loaded from this server.")); };
    document.head.append(script);
  });
  return loading;
}

const ICONS = {
  in: "M12 5v14M5 12h14",
  out: "M5 12h14",
  home: "M4 11l8-7 8 7M6.5 9.5V20h11V9.5",
  spin: "M20 12a8 8 0 1 1-2.6-5.9M20 3v4h-4",
  projection: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12L4 7.5M12 12v9",
  style: "M7.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM16.5 20.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM9.8 10.2l4.4 4",
  labels: "M4 18L9 6l5 12M5.8 14h6.4M16 9h5M18.5 9v9",
  image: "M12 4v11M7.5 11l4.5 4.5L16.5 11M5 20h14",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
};
const STYLES = ["ball-stick", "spheres", "sticks"];

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") Object.assign(node.style, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function icon(button, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  button.replaceChildren(svg);
}

function digits(x) {
  return x === null ? "–" : Math.abs(x) >= 1e-3 && Math.abs(x) < 1e4 || x === 0 ? String(+x.toPrecision(3)) : x.toExponential(1);
}

function turn(axis, degrees) { // quaternion
  const half = degrees * Math.PI / 360;
  return [...[0, 1, 2].map((k) => (k === axis ? Math.sin(half) : 0)), Math.cos(half)];
}

function product([ax, ay, az, aw], [bx, by, bz, bw]) {
  return [aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz];
}

// c upwards, a to the right and a little towards the eye, seen from slightly above
const FRONT = product(turn(0, 14), product(turn(0, -90), turn(2, -24)));

class View {
  constructor(root) {
    this.frame = 0;
    this.playing = false;
    this.picked = null;
    this.build(root);
  }

  build(root) {
    const button = (name, title, action) => {
      const node = element("button", { type: "button", title, "aria-label": title, onclick: action });
      icon(node, name);
      return node;
    };
    this.buttons = {
      in: button("in", "Zoom in (+)", () => this.zoom(1.25)),
      out: button("out", "Zoom out (−)", () => this.zoom(0.8)),
      home: button("home", "Reset the view (0)", () => this.home()),
      spin: button("spin", "Spin (S)", () => this.spin(!this.spinning)),
      projection: button("projection", "Perspective or parallel (P)", () => this.project(!this.parallel)),
      style: button("style", "Balls and sticks, spheres, sticks (B)", () => this.nextStyle()),
      labels: button("labels", "Names of atoms (L)", () => this.toggleLabels()),
      image: button("image", "Save as PNG", () => this.savePng()),
      full: button("full", "Full screen (F)", () => this.fullScreen()),
    };
    this.stage = element("div", { class: "stage" });
    this.note = element("div", { class: "panel note", role: "status" });
    this.legend = element("div", { class: "legend" });
    this.scale = element("div", { class: "scale" });
    this.playButton = button("play", "Play or pause (space)", () => this.play(!this.playing));
    this.slider = element("input", { type: "range", min: 0, value: 0, "aria-label": "Frame",
      oninput: () => { this.play(false); this.show(Number(this.slider.value)); } });
    this.frameLabel = element("output");
    this.player = element("div", { class: "player" }, this.playButton, this.slider, this.frameLabel);
    this.host = element("div", { class: "viewer", tabindex: 0, role: "application" },
      this.stage, this.note, element("div", { class: "panel tools" }, ...Object.values(this.buttons)),
      element("div", { class: "panel corner" }, this.legend, this.player, this.scale));
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("pointerdown", () => this.host.focus({ preventScroll: true }), true);
    this.stage.addEventListener("dblclick", () => this.home());
    // The wheel scrolls the page until the visitor has taken hold of the picture.
    this.stage.addEventListener("wheel", (event) => {
      event.stopPropagation();
      if (!event.ctrlKey && !this.host.matches(":focus, :focus-within, :fullscreen")) return;
      event.preventDefault();
      this.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 300));
    }, { capture: true, passive: false });
    root.append(this.host);
  }

  async update(data, send) {
    this.send = send;
    this.latest = data;
    this.host.style.height = data.height ? `${data.height}px` : "100%";
    this.host.setAttribute("aria-label", `3D structure: ${data.description}. Arrow keys turn it, plus and minus zoom.`);
    try {
      await loadLibrary(data.library);
      if (this.latest !== data || !this.host.isConnected) return;
      const computed = getComputedStyle(this.host);
      const colors = { back: computed.getPropertyValue("--st-background-color").trim() || "#ffffff", text: computed.color };
      const same = this.data?.version === data.version && this.colors?.back === colors.back;
      this.colors = colors;
      const before = this.data;
      this.data = data;
      if (!this.gl) this.start();
      if (!same) this.redraw(before);
    } catch (error) {
      this.fail(error);
    }
  }

  start() {
    this.gl = globalThis.$3Dmol.createViewer(this.stage, { backgroundColor: this.colors.back, backgroundAlpha: 0, antialias: true });
    if (!this.gl) throw new Error("This browser offers no WebGL, which the 3D view needs.");
    this.gl.setViewChangeCallback(() => this.remember());
  }

  fail(error) {
    this.host.querySelector(".failure")?.remove();
    this.host.append(element("div", { class: "failure" }, error.message));
  }

  redraw(before) {
    const { data, gl } = this;
    const moved = before?.structure !== data.structure;
    this.drawStyle = before?.style === data.style ? this.drawStyle : data.style;
    if (moved) this.picked = null;
    this.aimed = !moved;
    gl.setBackgroundColor(this.colors.back, 0);
    gl.removeAllModels();
    this.shapes = {};
    gl.removeAllShapes();
    gl.removeAllLabels();
    this.frame = moved ? 0 : Math.min(this.frame, data.frames.length - 1);
    this.place();
    this.model = gl.addModel();
    this.model.addAtoms(this.atoms());
    this.model.setClickable({}, true, (atom) => this.pick(data.parent[atom.serial]));
    this.decorate(true);
    this.measure();
    if (moved) this.aim();
    this.aimed = true;
    gl.render();
    this.describe();
    this.player.hidden = data.frames.length < 2;
    this.slider.max = data.frames.length - 1;
    if (moved || !before) this.play(data.play && !matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.caption();
  }

  // --- what is where -------------------------------------------------------

  cell() {
    const cells = this.data.cells;
    return cells[Math.min(this.frame, cells.length - 1)];
  }

  place() { // positions of everything drawn, (m, 3) flat
    const { parent, shift, frames } = this.data;
    const frame = frames[this.frame];
    const cell = this.cell();
    this.positions ??= [];
    this.positions.length = 3 * parent.length;
    for (let k = 0; k < parent.length; k++) {
      for (let x = 0; x < 3; x++) {
        this.positions[3 * k + x] = frame[3 * parent[k] + x]
          + shift[3 * k] * cell[x] + shift[3 * k + 1] * cell[3 + x] + shift[3 * k + 2] * cell[6 + x];
      }
    }
  }

  at(k) {
    return { x: this.positions[3 * k], y: this.positions[3 * k + 1], z: this.positions[3 * k + 2] };
  }

  radius(parent) {
    const kind = this.data.elements[this.data.species[parent]];
    return { "ball-stick": kind.radius, spheres: kind.large, sticks: 0.16 }[this.drawStyle];
  }

  atoms() {
    const { data } = this;
    const joined = data.parent.map(() => []);
    for (let b = 0; b < data.bonds.length; b += 2) {
      joined[data.bonds[b]].push(data.bonds[b + 1]);
      joined[data.bonds[b + 1]].push(data.bonds[b]);
    }
    return data.parent.map((parent, k) => {
      const kind = data.elements[data.species[parent]];
      const color = data.colors ? data.colors[parent] : kind.color;
      const style = { sphere: { radius: this.radius(parent), color } };
      if (this.drawStyle !== "spheres") style.stick = { radius: this.drawStyle === "sticks" ? 0.16 : 0.105, color };
      return { elem: kind.symbol, serial: k, index: k, bonds: joined[k], bondOrder: joined[k].map(() => 1), style, ...this.at(k) };
    });
  }

  // --- what moves with the frame -------------------------------------------

  show(frame) {
    this.frame = frame;
    this.place();
    for (const atom of this.model.selectedAtoms({})) Object.assign(atom, this.at(atom.serial));
    this.model.setStyle({}, {}, true); // keeps styles, has the geometry made anew
    this.decorate(this.data.cells.length > 1);
    this.gl.render();
    this.caption();
  }

  decorate(withCell) {
    if (withCell) this.drawCell();
    this.drawArrows();
    this.drawMarks();
    this.drawLabels();
  }

  replace(name, shape) {
    if (this.shapes[name]) this.gl.removeShape(this.shapes[name]);
    this.shapes[name] = shape;
  }

  corner(n) {
    const cell = this.cell();
    const [x, y, z] = [0, 1, 2].map((k) => n[0] * cell[k] + n[1] * cell[3 + k] + n[2] * cell[6 + k]);
    return { x, y, z };
  }

  drawCell() {
    if (!this.data.showCell) return;
    const boxes = [[1, 1, 1]];
    if (this.data.repeats.some((n) => n > 1)) boxes.push(this.data.repeats);
    boxes.forEach((box, number) => {
      const outline = this.gl.addShape({ color: "#8592a3" });
      for (let axis = 0; axis < 3; axis++) {
        for (const [u, v] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
          const from = [0, 0, 0];
          from[(axis + 1) % 3] = u * box[(axis + 1) % 3];
          from[(axis + 2) % 3] = v * box[(axis + 2) % 3];
          const to = [...from];
          to[axis] = box[axis];
          outline.addCylinder({ start: this.corner(from), end: this.corner(to), radius: number ? 0.014 : 0.024, color: "#8592a3", fromCap: 1, toCap: 1 });
        }
      }
      this.replace(`cell${number}`, outline);
    });
  }

  drawArrows() {
    const { arrows, parent } = this.data;
    for (const [number, group] of (arrows?.groups ?? []).entries()) {
      const vectors = group.frames[Math.min(this.frame, group.frames.length - 1)];
      const shape = this.gl.addShape({ color: group.color });
      for (let k = 0; k < parent.length; k++) {
        const v = [0, 1, 2].map((x) => vectors[3 * parent[k] + x] * arrows.scale);
        const length = Math.hypot(...v);
        if (!(length > 0.04)) continue;
        const from = this.at(k);
        const out = 0.85 * this.radius(parent[k]) / length;
        const start = { x: from.x + out * v[0], y: from.y + out * v[1], z: from.z + out * v[2] };
        const end = { x: start.x + v[0], y: start.y + v[1], z: start.z + v[2] };
        shape.addArrow({ start, end, radius: 0.055, radiusRatio: 2.4, mid: Math.max(0.35, 1 - 0.34 / length), color: group.color });
      }
      this.replace(`arrows${number}`, shape);
    }
  }

  drawMarks() {
    const marked = new Set(this.data.selected);
    if (this.picked !== null) marked.add(this.picked);
    const color = getComputedStyle(this.host).getPropertyValue("--st-primary-color").trim() || "#0072b2";
    const shape = marked.size ? this.gl.addShape({ color, opacity: 0.42 }) : null;
    this.data.parent.forEach((parent, k) => {
      if (marked.has(parent)) shape.addSphere({ center: this.at(k), radius: this.radius(parent) * 1.2 + 0.12, color });
    });
    this.replace("marks", shape);
  }

  drawLabels() {
    this.gl.removeAllLabels();
    const look = { fontColor: this.colors.text, backgroundOpacity: 0, inFront: true, font: "sans-serif" };
    if (this.data.showCell) {
      ["a", "b", "c"].forEach((name, axis) => {
        const n = [0, 0, 0];
        const length = Math.hypot(...this.cell().slice(3 * axis, 3 * axis + 3));
        n[axis] = 1 + 0.95 / length;
        this.gl.addLabel(name, { ...look, position: this.corner(n), fontSize: 16, bold: true, alignment: "center" }, undefined, true);
      });
    }
    const texts = this.data.labels ?? (this.named ? this.data.species.map((kind, k) => `${this.data.elements[kind].symbol} ${k}`) : null);
    if (!texts || this.data.parent.length > 600) return;
    this.data.parent.forEach((parent, k) => {
      this.gl.addLabel(texts[parent], { ...look, position: this.at(k), fontSize: 13, alignment: "center", backgroundColor: this.colors.back, backgroundOpacity: 0.55 }, undefined, true);
    });
  }

  // --- camera ---------------------------------------------------------------

  measure() { // centre and radius of everything, and how the depth fades
    const points = this.data.parent.map((parent, k) => ({ ...this.at(k), r: this.radius(parent) }));
    if (this.data.showCell) {
      for (const i of [0, 1]) for (const j of [0, 1]) for (const k of [0, 1]) {
        points.push({ ...this.corner([i, j, k].map((n, axis) => n * this.data.repeats[axis])), r: 0.3 });
      }
    }
    this.center = ["x", "y", "z"].map((x) => {
      const values = points.map((point) => point[x]);
      return (values.reduce((a, b) => Math.min(a, b)) + values.reduce((a, b) => Math.max(a, b))) / 2;
    });
    const [cx, cy, cz] = this.center;
    this.size = Math.max(1.6, ...points.map((p) => Math.hypot(p.x - cx, p.y - cy, p.z - cz) + p.r));
    this.gl.setSlab(-3 * this.size - 10, 3 * this.size + 10);
    const span = 6 * this.size + 20;
    const share = (depth) => (3 * this.size + 10 + depth) / span;
    this.gl.enableFog({ fogStart: share(-0.5 * this.size), fogEnd: share(2.1 * this.size) });
  }

  aim() {
    const kept = cameras.get(this.data.key);
    if (kept?.structure === this.data.structure) {
      this.project(kept.parallel, true);
      this.gl.setView(kept.view);
    } else this.home();
  }

  distance() { // of an eye that just sees everything
    const aspect = Math.max(0.2, this.stage.clientWidth / Math.max(1, this.stage.clientHeight));
    const half = FIELD / 2 * Math.PI / 180;
    const room = 0.92 * this.size / Math.min(1, aspect);
    return this.parallel ? room * aspect / Math.tan(2 * half) : room / Math.sin(half);
  }

  home() {
    this.spin(false);
    this.gl.setView([...this.center.map((x) => -x), CAMERA_Z - this.distance(), ...FRONT]);
  }

  remember() {
    if (!this.aimed) return;
    cameras.set(this.data.key, { structure: this.data.structure, view: this.gl.getView(), parallel: this.parallel });
    this.drawRuler();
  }

  zoom(factor) {
    const view = this.gl.getView();
    view[3] = CAMERA_Z - Math.min(60 * this.size, Math.max(2, (CAMERA_Z - view[3]) / factor));
    this.gl.setView(view);
  }

  project(parallel, quiet) {
    const view = this.gl.getView();
    const share = this.size ? (CAMERA_Z - view[3]) / this.distance() : 1;
    this.parallel = Boolean(parallel);
    this.gl.setProjection(this.parallel ? "orthographic" : "perspective");
    this.buttons.projection.setAttribute("aria-pressed", this.parallel);
    if (quiet) return;
    view[3] = CAMERA_Z - share * this.distance();
    this.gl.setView(view);
    this.gl.render();
  }

  spin(on) {
    this.spinning = on;
    this.buttons.spin.setAttribute("aria-pressed", on);
    if (!on) return this.gl.spin(false);
    const [x, y, z] = this.corner([0, 0, 1]).z ? [0, 0, 1] : [0, 1, 0];
    this.gl.spin([x, y, z], 0.6, true);
  }

  // --- what the visitor does ------------------------------------------------

  key(event) {
    const turns = { ArrowLeft: ["y", -10], ArrowRight: ["y", 10], ArrowUp: ["x", -10], ArrowDown: ["x", 10] };
    const actions = {
      "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8), 0: () => this.home(), Home: () => this.home(),
      s: () => this.spin(!this.spinning), p: () => this.project(!this.parallel), b: () => this.nextStyle(), l: () => this.toggleLabels(),
      f: () => this.fullScreen(), Escape: () => this.picked !== null && this.pick(this.picked),
      " ": () => this.data.frames.length > 1 && this.play(!this.playing),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !this.gl || event.target !== this.host) return;
    if (turns[event.key]) this.turnView(...turns[event.key]);
    else if (actions[event.key]) actions[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  turnView(axis, degrees) {
    const view = this.gl.getView();
    const turned = product(turn(axis === "x" ? 0 : 1, degrees), view.slice(4, 8));
    this.gl.setView([...view.slice(0, 4), ...turned]);
  }

  pick(parent) {
    if (!this.data.selectable && this.data.height) return;
    this.picked = this.picked === parent ? null : parent;
    this.drawMarks();
    this.gl.render();
    this.caption();
    this.send("picked", this.picked === null ? null : { structure: this.data.structure, atom: this.picked });
  }

  nextStyle() {
    this.drawStyle = STYLES[(STYLES.indexOf(this.drawStyle) + 1) % STYLES.length];
    this.redraw(this.data);
  }

  toggleLabels() {
    this.named = !this.named;
    this.buttons.labels.setAttribute("aria-pressed", this.named);
    this.drawLabels();
    this.gl.render();
  }

  play(on) {
    this.playing = on && this.data.frames.length > 1;
    icon(this.playButton, this.playing ? "pause" : "play");
    cancelAnimationFrame(this.request);
    if (!this.playing) return;
    let last = performance.now();
    const step = (now) => {
      if (!this.playing || !this.host.isConnected) return;
      const due = Math.floor((now - last) * this.data.fps / 1000);
      if (due > 0) {
        last = now;
        if (!document.hidden && this.stage.clientWidth) this.show((this.frame + Math.min(due, 3)) % this.data.frames.length);
      }
      this.request = requestAnimationFrame(step);
    };
    this.request = requestAnimationFrame(step);
  }

  savePng() {
    this.gl.render();
    const name = `${this.data.description.split(",")[0]}.png`;
    element("a", { href: this.gl.pngURI(), download: name }).click();
  }

  fullScreen() {
    if (this.host.matches(":fullscreen")) document.exitFullscreen();
    else this.host.requestFullscreen?.();
  }

  // --- what stands around the picture ---------------------------------------

  describe() {
    const { data } = this;
    this.legend.replaceChildren(...(data.colors ? [] : data.elements.map((kind) => element("span", { title: kind.name },
      element("i", { class: "ball", style: { background: `radial-gradient(circle at 35% 30%, #fff8, ${kind.color} 55%)`, backgroundColor: kind.color } }), kind.symbol))));
    const rows = [];
    if (data.colorBar) {
      const { label, unit, low, high, stops } = data.colorBar;
      rows.push(element("span", {}, unit ? `${label} (${unit})` : label), element("div", {},
        element("div", { class: "bar", style: { background: `linear-gradient(90deg, ${stops.join(", ")})` } }),
        element("div", { class: "ends" }, element("i", {}, digits(low)), element("i", {}, digits(high)))));
    }
    for (const group of data.arrows?.groups ?? []) {
      rows.push(element("span", {}, element("i", { class: "swatch", style: { background: group.color } }), group.label));
    }
    this.ruler = null;
    if (data.arrows) {
      this.ruler = element("i", { class: "ruler" });
      this.rulerText = element("b", { style: { fontWeight: 400 } });
      rows.push(element("span", {}, this.rulerText, this.ruler));
    }
    this.scale.replaceChildren(...rows);
    this.drawRuler();
  }

  drawRuler() { // how long an arrow of a round number is on the screen, at the centre of the picture
    if (!this.ruler || !this.center) return;
    const [x, y, z] = this.center;
    const [o, ...ends] = this.gl.modelToScreen([{ x, y, z }, { x: x + 1, y, z }, { x, y: y + 1, z }, { x, y, z: z + 1 }]);
    const pixels = Math.sqrt(ends.reduce((sum, end) => sum + (end.x - o.x) ** 2 + (end.y - o.y) ** 2, 0) / 2);
    const perUnit = pixels * this.data.arrows.scale;
    const power = 10 ** Math.floor(Math.log10(90 / perUnit));
    const round = [5, 2, 1].map((n) => n * power).find((n) => n * perUnit <= 90) ?? power;
    this.ruler.style.width = `${round * perUnit}px`;
    this.rulerText.textContent = `${digits(round)} ${this.data.arrows.unit}`;
  }

  caption() {
    const { data, picked } = this;
    this.slider.value = this.frame;
    this.frameLabel.textContent = data.frameLabels[this.frame];
    if (picked === null) return this.note.replaceChildren();
    const position = data.frames[this.frame].slice(3 * picked, 3 * picked + 3).map((x) => x.toFixed(3)).join(", ");
    const parts = [`${data.elements[data.species[picked]].name}, atom ${picked}`, `(${position}) Å`];
    if (data.colorBar) parts.push(`${data.colorBar.label} ${digits(data.colorBar.values[picked])} ${data.colorBar.unit}`);
    for (const group of data.arrows?.groups ?? []) {
      const vectors = group.frames[Math.min(this.frame, group.frames.length - 1)];
      parts.push(`${group.label} ${digits(Math.hypot(...vectors.slice(3 * picked, 3 * picked + 3)))} ${data.arrows.unit}`);
    }
    this.note.textContent = parts.join(" · ");
  }

  dispose() {
    this.playing = false;
    cancelAnimationFrame(this.request);
    if (!this.gl) return;
    this.gl.setViewChangeCallback(null);
    this.gl.spin(false);
    const canvas = this.gl.getCanvas();
    (canvas.getContext("webgl2") ?? canvas.getContext("webgl"))?.getExtension("WEBGL_lose_context")?.loseContext();
    this.gl = null;
  }
}
