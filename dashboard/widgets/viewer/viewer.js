// Draws the scene that scene.py describes. Data comes in as numbers; text goes into the page as text only.

const CAMERA_Z = 150; // 3Dmol's own
const FIELD = 20; // degrees
const views = new WeakMap(); // parentElement → View
const cameras = new Map(); // key → where the visitor left the camera

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

class View extends Drawing {
  constructor(root) {
    super();
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
    this.words = element("div", { class: "words", "aria-hidden": true });
    this.note = element("div", { class: "panel note", role: "status" });
    this.legend = element("div", { class: "legend" });
    this.scale = element("div", { class: "scale" });
    this.playButton = button("play", "Play or pause (space)", () => this.play(!this.playing));
    this.slider = element("input", { type: "range", min: 0, value: 0, "aria-label": "Frame",
      oninput: () => { this.play(false); this.show(Number(this.slider.value)); } });
    this.frameLabel = element("output");
    this.player = element("div", { class: "player" }, this.playButton, this.slider, this.frameLabel);
    this.host = element("div", { class: "viewer", tabindex: 0, role: "application" },
      this.stage, this.words, this.note, element("div", { class: "panel tools" }, ...Object.values(this.buttons)),
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
    const least = `${data.height}px`;
    this.host.style.height = !data.height ? "100%" : data.rest ? `max(${least}, calc(100vh - ${data.rest}px))` : least;
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
    this.frame = moved ? 0 : Math.min(this.frame, data.frames.length - 1);
    this.player.hidden = data.frames.length < 2; // before the camera is placed: what moves is drawn above the player
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
    this.slider.max = data.frames.length - 1;
    if (moved || !before) this.play(data.play && !matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.caption();
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
    this.placeLabels();
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
    let rest = 0; // ms that the page has to itself: on a machine that draws slowly, half of the time
    const step = (now) => {
      if (!this.playing || !this.host.isConnected) return;
      const due = Math.floor((now - last) * this.data.fps / 1000);
      if (due > 0 && now - last > rest) {
        last = now;
        if (!document.hidden && this.stage.clientWidth) this.show((this.frame + Math.min(due, 3)) % this.data.frames.length);
        rest = 2 * (performance.now() - now);
      }
      this.request = requestAnimationFrame(step);
    };
    this.request = requestAnimationFrame(step);
  }

  savePng() { // the picture with its labels, on a transparent ground
    this.gl.render();
    const picture = this.gl.getCanvas();
    const sheet = element("canvas", { width: picture.width, height: picture.height });
    const pen = sheet.getContext("2d");
    pen.drawImage(picture, 0, 0);
    const ratio = picture.width / this.stage.clientWidth;
    const size = 0.875 * parseFloat(getComputedStyle(document.documentElement).fontSize); // as in viewer.css
    Object.assign(pen, { font: `${size * ratio}px sans-serif`, textAlign: "center", textBaseline: "middle", fillStyle: this.colors.text });
    for (const { text, x, y } of this.texts) pen.fillText(text, x * ratio, y * ratio);
    element("a", { href: sheet.toDataURL("image/png"), download: `${this.data.description.split(",")[0]}.png` }).click();
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
