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
    const viewer = this.library().createViewer(box, { backgroundColor: hex(ground()), antialias: true });
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
  // Look along +y, z upwards, at everything; the library fits the height alone.
  aim(viewer, box) {
    viewer.rotate(-90, "x");
    viewer.zoomTo();
    viewer.zoom(Math.min(1.6, (0.85 * box.clientWidth) / box.clientHeight));
    viewer.render();
  },
  // Call `start` whenever the box is in view.
  whenSeen(box, start) {
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && start(), { rootMargin: "100px" }).observe(box);
  },
};

const decoded = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

// Atoms of one model whose places change; bonds follow from the places as everywhere in iondrill.
function addAtoms(viewer, looks, bondScale) {
  const model = viewer.addModel();
  model.addAtoms(looks.map((look, i) => ({ elem: look.symbol, x: 0, y: 0, z: 0, serial: i, bonds: [], bondOrder: [] })));
  const atoms = model.selectedAtoms({});
  const colorfunc = (atom) => looks[atom.index].fill;
  const ions = [...new Set(looks.filter((look) => !look.radius_A).map((look) => look.symbol))];
  return (places) => {
    atoms.forEach((atom, i) => {
      [atom.x, atom.y, atom.z] = places.subarray(3 * i, 3 * i + 3);
      atom.bonds = [];
      atom.bondOrder = [];
    });
    for (let i = 0; i < atoms.length; i++) {
      for (let j = 0; j < i; j++) {
        const [a, b] = [looks[i], looks[j]];
        if (!a.radius_A || !b.radius_A || (a.symbol === "H" && b.symbol === "H")) continue;
        const reach = bondScale * (a.radius_A + b.radius_A);
        if ((atoms[i].x - atoms[j].x) ** 2 + (atoms[i].y - atoms[j].y) ** 2 + (atoms[i].z - atoms[j].z) ** 2 > reach ** 2) continue;
        for (const [one, other] of [[i, j], [j, i]]) {
          atoms[one].bonds.push(other);
          atoms[one].bondOrder.push(1);
        }
      }
    }
    model.setStyle({}, { sphere: { scale: 0.2, colorfunc }, stick: { radius: 0.13, colorfunc } });
    if (ions.length) model.setStyle({ elem: ions }, { sphere: { scale: 0.33, colorfunc } });
  };
}
