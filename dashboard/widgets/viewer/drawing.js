// What is drawn, and where: the scene's numbers become 3Dmol's atoms and shapes.

class Drawing { // expects data, gl, model, colors, host, stage, words and frame
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

  joined() { // for each atom drawn, the atoms that this frame joins it to
    const { parent, bonds } = this.data;
    const pairs = bonds[Math.min(this.frame, bonds.length - 1)];
    const joined = parent.map(() => []);
    for (let b = 0; b < pairs.length; b += 2) {
      joined[pairs[b]].push(pairs[b + 1]);
      joined[pairs[b + 1]].push(pairs[b]);
    }
    return joined;
  }

  atoms() {
    const { data } = this;
    const joined = this.joined();
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
    const joined = this.data.bonds.length > 1 ? this.joined() : null;
    for (const atom of this.model.selectedAtoms({})) {
      Object.assign(atom, this.at(atom.serial));
      if (joined) Object.assign(atom, { bonds: joined[atom.serial], bondOrder: joined[atom.serial].map(() => 1) });
    }
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

  drawLabels() { // as text above the canvas: 3Dmol's own labels vanish in the fog
    const { data } = this;
    this.texts = [];
    if (data.showCell) {
      ["a", "b", "c"].forEach((text, axis) => {
        const n = [0, 0, 0];
        n[axis] = 1 + 0.95 / Math.hypot(...this.cell().slice(3 * axis, 3 * axis + 3));
        this.texts.push({ text, at: this.corner(n), kind: "axis" });
      });
    }
    const names = data.labels ?? (this.named ? data.species.map((kind, k) => `${data.elements[kind].symbol} ${k}`) : null);
    if (names && data.parent.length <= MANY_LABELS) {
      data.parent.forEach((parent, k) => this.texts.push({ text: names[parent], at: this.at(k), kind: "name" }));
    }
    this.words.replaceChildren(...this.texts.map(({ text, kind }) => element("span", { class: kind }, text)));
    this.placeLabels();
  }

  placeLabels() {
    if (!this.texts?.length) return;
    const box = this.stage.getBoundingClientRect();
    const left = box.left + scrollX;
    const top = box.top + scrollY;
    this.gl.modelToScreen(this.texts.map(({ at }) => at)).forEach(({ x, y }, k) => {
      Object.assign(this.texts[k], { x: x - left, y: y - top });
      this.words.children[k].style.transform = `translate(-50%, -50%) translate(${x - left}px, ${y - top}px)`;
    });
  }
}
