// The 3D library starts when something 3D first comes into view; few pictures hold the graphics card at a time.
const viewers = {
  live: [],
  most: 6,
  library() {
    if (typeof $3Dmol === "undefined") {
      const script = document.createElement("script");
      script.textContent = document.getElementById("library-3dmol").textContent;
      document.head.append(script);
    }
    return $3Dmol;
  },
  // Make a viewer in a box; null where there is no WebGL.
  open(box, onclose) {
    const probe = document.createElement("canvas");
    if (!(probe.getContext("webgl2") ?? probe.getContext("webgl"))) {
      box.textContent = "This browser shows no 3D graphics (WebGL). The plots and figures say the same.";
      return null;
    }
    const ground = () => getComputedStyle(box).backgroundColor.match(/[\d.]+/g).slice(0, 3).map(Number);
    const hex = ([r, g, b]) => (r << 16) + (g << 8) + b;
    const viewer = this.library().createViewer(box, { backgroundColor: hex(ground()), antialias: true, orthographic: true });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => viewer.setBackgroundColor(hex(ground())));
    // the wheel scrolls the page until the picture is chosen
    box.addEventListener("wheel", (event) => { if (document.activeElement !== box) event.stopPropagation(); }, { capture: true });
    box.addEventListener("pointerdown", () => box.focus({ preventScroll: true }));
    box.addEventListener("keydown", (event) => {
      const turns = { ArrowLeft: [-10, "vy"], ArrowRight: [10, "vy"], ArrowUp: [-10, "vx"], ArrowDown: [10, "vx"] };
      if (event.key in turns) viewer.rotate(...turns[event.key]);
      else if (event.key === "+" || event.key === "-") viewer.zoom(event.key === "+" ? 1.15 : 1 / 1.15);
      else return;
      event.preventDefault();
      viewer.render();
    });
    new ResizeObserver(() => viewer.resize()).observe(box);
    this.live.push({ box, onclose });
    if (this.live.length > this.most) {
      const oldest = this.live.shift();
      oldest.box.querySelector("canvas")?.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
      oldest.box.replaceChildren();
      oldest.onclose();
    }
    return viewer;
  },
  // Where points are in a box, in pixels.
  onScreen(viewer, box, points) {
    const corner = box.getBoundingClientRect();
    return viewer.modelToScreen(points).map(({ x, y }) => ({ x: x - corner.left - scrollX, y: y - corner.top - scrollY }));
  },
  // Look along +y, z upwards, and fill the box with some points.
  aim(viewer, box, points) {
    const bounds = ["x", "y", "z"].map((axis) => points.reduce(([low, high], at) => [Math.min(low, at[axis]), Math.max(high, at[axis])], [Infinity, -Infinity]));
    const centre = bounds.map(([low, high]) => (low + high) / 2);
    const [wide, , tall] = bounds.map(([low, high]) => high - low + 2.2); // with the balls at the ends
    const look = (back) => viewer.setView([...centre.map((at) => -at), back, -Math.SQRT1_2, 0, 0, Math.SQRT1_2]);
    look(0);
    const now = this.scale(viewer, box);
    look(this.distance * (1 - now / Math.min(box.clientWidth / wide, box.clientHeight / tall)));
  },
  distance: 150, // of the library's camera
  // Pixels to an ångström: the picture is a parallel projection, so the three axes together give it.
  scale(viewer, box) {
    const [o, ...ends] = this.onScreen(viewer, box, [{ x: 0, y: 0, z: 0 }, { x: 1, y: 0, z: 0 }, { x: 0, y: 1, z: 0 }, { x: 0, y: 0, z: 1 }]);
    return Math.sqrt(ends.reduce((sum, end) => sum + (end.x - o.x) ** 2 + (end.y - o.y) ** 2, 0) / 2);
  },
  // Call `start` whenever the box is in view.
  whenSeen(box, start) {
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && start(), { rootMargin: "100px" }).observe(box);
  },
};

const decoded = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const signedText = (value, digits) => Number(value).toFixed(digits).replace("-", "−");

// Pairs of atoms that are bonded: from their distance, as everywhere in iondrill; ions bond to nothing.
function bondsOf(looks, places, bondScale) {
  const pairs = [];
  for (let i = 0; i < looks.length; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [looks[i], looks[j]];
      if (!a.radius_A || !b.radius_A || (a.symbol === "H" && b.symbol === "H")) continue;
      const reach = bondScale * (a.radius_A + b.radius_A);
      const [x, y, z] = [0, 1, 2].map((k) => places[3 * i + k] - places[3 * j + k]);
      if (x * x + y * y + z * z <= reach * reach) pairs.push([i, j]);
    }
  }
  return pairs;
}

// Atoms of one model whose places and colours change; returns a function of places and, if not by element, colours.
function addAtoms(viewer, looks, bondScale) {
  const model = viewer.addModel();
  model.addAtoms(looks.map((look, i) => ({ elem: look.symbol, x: 0, y: 0, z: 0, serial: i, bonds: [], bondOrder: [] })));
  const atoms = model.selectedAtoms({});
  const ions = [...new Set(looks.filter((look) => !look.radius_A).map((look) => look.symbol))];
  return (places, fills = null, bonds = bondsOf(looks, places, bondScale)) => {
    const colorfunc = (atom) => fills?.[atom.index] ?? looks[atom.index].fill;
    atoms.forEach((atom, i) => {
      [atom.x, atom.y, atom.z] = places.subarray(3 * i, 3 * i + 3);
      atom.bonds = [];
      atom.bondOrder = [];
    });
    for (const [i, j] of bonds) {
      for (const [one, other] of [[i, j], [j, i]]) {
        atoms[one].bonds.push(other);
        atoms[one].bondOrder.push(1);
      }
    }
    model.setStyle({}, { sphere: { scale: 0.2, colorfunc }, stick: { radius: 0.13, colorfunc } });
    if (ions.length) model.setStyle({ elem: ions }, { sphere: { scale: 0.33, colorfunc } });
  };
}
const pointsOf = (places) => Array.from({ length: places.length / 3 }, (_, i) => ({ x: places[3 * i], y: places[3 * i + 1], z: places[3 * i + 2] }));
