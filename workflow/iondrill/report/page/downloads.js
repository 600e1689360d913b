// Files that the page makes of what it holds.
const saveAs = (name, content, type = "text/plain") => {
  const href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
};

// The frames of a player as extended XYZ, with the charges of the atoms where they are known.
function asExtxyz(data, frames, charges) {
  const n = data.atoms.length;
  const middle = data.frames.middle_A;
  const lines = [];
  data.time_fs.forEach((time, k) => {
    const properties = `species:S:1:pos:R:3:fragment:S:1${charges ? ":charge:R:1" : ""}`;
    lines.push(n, `Properties=${properties} pbc="F F F" step=${data.step[k]} time_fs=${time} run="${data.run}" level="${data.level}"`);
    for (let i = 0; i < n; i++) {
      const place = [0, 1, 2].map((axis) => (frames[3 * (k * n + i) + axis] + middle[axis]).toFixed(3));
      const look = data.atoms[i];
      lines.push([look.symbol, ...place, look.fragment.replaceAll(" ", "_") || "none", ...(charges ? [charges[k * n + i].toFixed(3)] : [])].join(" "));
    }
  });
  return `${lines.join("\n")}\n`;
}

// A session of VMD, and one of OVITO, for the file of `asExtxyz` in the same folder.
const asVmd = (name) => [
  `mol new {${name}.extxyz} type xyz waitfor all`,
  "mol delrep 0 top",
  "mol representation DynamicBonds 1.85 0.12 12",
  "mol color Name",
  "mol selection {not name Li Na K}",
  "mol addrep top",
  "mol representation CPK 1.0 0.0 20 12",
  "mol selection all",
  "mol addrep top",
  "rotate x by -90",
  "display projection Orthographic",
  "",
].join("\n");
const asOvito = (name) => [
  "# Run it in OVITO: File, Run Python Script; or with ovitos",
  "from ovito.io import import_file",
  "from ovito.modifiers import CreateBondsModifier",
  "from ovito.vis import Viewport",
  "",
  `pipeline = import_file("${name}.extxyz")`,
  "pipeline.modifiers.append(CreateBondsModifier(cutoff=1.85))",
  "pipeline.add_to_scene()",
  "Viewport(type=Viewport.Type.Front).zoom_all()",
  "",
].join("\n");

// A canvas as a film: `step` shows the next moment, and returns false after the last.
async function record(canvas, step, per_s = 16) {
  const stream = canvas.captureStream(per_s);
  const type = ["video/webm;codecs=vp9", "video/webm"].find((each) => MediaRecorder.isTypeSupported(each));
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 4e6 });
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const stopped = new Promise((resolve) => { recorder.addEventListener("stop", resolve); });
  recorder.start();
  while (step()) await new Promise((resolve) => { setTimeout(resolve, 1000 / per_s); });
  recorder.stop();
  await stopped;
  return new Blob(parts, { type: "video/webm" });
}
