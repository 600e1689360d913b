// Surfaces of equal ELF in 3D, for the frame and the value that are chosen.
for (const surface of document.querySelectorAll(".surface")) {
  const frames = JSON.parse(surface.querySelector("script").textContent);
  const [view, select, slider, value] = [".view", "select", "input", "output"].map((name) => surface.querySelector(name));
  let viewer = null;
  let shown = null;

  const grid = (frame) => {
    const data = new $3Dmol.VolumeData("", "none");
    const [x, y, z] = frame.shape;
    data.size = { x, y, z };
    data.unit = { x: frame.spacing_A, y: frame.spacing_A, z: frame.spacing_A };
    const [ox, oy, oz] = frame.origin_A;
    data.origin = new $3Dmol.Vector3(ox, oy, oz);
    data.data = Float32Array.from(new Uint8Array(decoded(frame.elf)), (elf) => elf / 255);
    return data;
  };
  const draw = () => {
    value.textContent = Number(slider.value).toFixed(2);
    surface.dataset.elf = slider.value;
    if (!viewer) return;
    const frame = frames[select.value];
    if (shown?.frame !== frame) {
      viewer.removeAllModels();
      addAtoms(viewer, frame.atoms, frame.bond_scale)(Float32Array.from(frame.positions_A));
      shown = { frame, grid: grid(frame) };
    }
    viewer.removeAllShapes();
    viewer.addIsosurface(shown.grid, { isoval: Number(slider.value), color: "#d55e00", opacity: 0.75, smoothness: 1 });
    viewer.render();
  };
  for (const control of [select, slider]) control.addEventListener("input", draw);
  surface.classList.add("ready");
  viewers.whenSeen(view, () => {
    if (viewer) return;
    viewer = viewers.open(view, () => { [viewer, shown] = [null, null]; });
    draw();
    if (viewer) viewers.aim(viewer, view, pointsOf(Float32Array.from(frames[select.value].positions_A)));
  });
}
