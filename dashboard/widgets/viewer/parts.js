// What the viewer is made of: loading 3Dmol.js, elements of the page, rotations.

let loading = null;

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
const MANY_LABELS = 600;
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
