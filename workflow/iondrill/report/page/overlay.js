// What is drawn over a 3D picture: a scale bar, the axes, the trails of ions, and the atoms that were chosen.
const svgElement = (tag, attributes, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
};

function drawOverlay(svg, viewer, box, { trails, chosen, length }) {
  const [width, height] = [box.clientWidth, box.clientHeight];
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const [o, x, y, z] = viewers.onScreen(viewer, box, [{ x: 0, y: 0, z: 0 }, { x: 1, y: 0, z: 0 }, { x: 0, y: 1, z: 0 }, { x: 0, y: 0, z: 1 }]);
  const arrows = [["x", x], ["y", y], ["z", z]].map(([name, end]) => [name, end.x - o.x, end.y - o.y]);
  const perA = viewers.scale(viewer, box);
  const parts = [];
  for (const trail of trails) {
    const points = viewers.onScreen(viewer, box, trail.points).map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(" ");
    parts.push(svgElement("polyline", { class: "trail", points, stroke: trail.fill }));
  }
  const marks = viewers.onScreen(viewer, box, chosen);
  for (const mark of marks) parts.push(svgElement("circle", { class: "chosen", cx: mark.x, cy: mark.y, r: 11 }));
  if (marks.length === 2) {
    const [a, b] = marks;
    parts.push(svgElement("line", { class: "chosen", x1: a.x, y1: a.y, x2: b.x, y2: b.y }));
    parts.push(svgElement("text", { class: "chosen", x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 - 6 }, length));
  }
  const bar = [50, 20, 10, 5, 2, 1].find((each) => each * perA < width / 4) ?? 1;
  const [right, bottom] = [width - 16, height - 14];
  parts.push(svgElement("path", { class: "scale", d: `M${right - bar * perA},${bottom - 5}v5H${right}v-5` }));
  parts.push(svgElement("text", { class: "scale", x: right - (bar * perA) / 2, y: bottom - 7 }, `${bar} Å`));
  const [left, low] = [34, height - 34];
  for (const [name, dx, dy] of arrows) {
    const [ex, ey] = [left + (22 * dx) / perA, low + (22 * dy) / perA];
    if (Math.hypot(dx, dy) < 0.12 * perA) continue; // it points at the reader
    parts.push(svgElement("line", { class: "axis", x1: left, y1: low, x2: ex, y2: ey }));
    parts.push(svgElement("text", { class: "axis", x: left + 1.35 * (ex - left), y: low + 1.35 * (ey - low) + 4 }, name));
  }
  svg.replaceChildren(...parts);
}

// The atom whose ball is at a point of the box, the nearest to the reader; -1 where there is none.
function atomAt(viewer, box, points, at) {
  const [, , , , qx, qy, qz, qw] = viewer.getView();
  const depth = ({ x, y, z }) => 2 * (qx * qz - qw * qy) * x + 2 * (qy * qz + qw * qx) * y + (1 - 2 * (qx * qx + qy * qy)) * z;
  let found = -1;
  viewers.onScreen(viewer, box, points).forEach((place, i) => {
    if (Math.hypot(place.x - at.x, place.y - at.y) > 12) return;
    if (found < 0 || depth(points[i]) > depth(points[found])) found = i;
  });
  return found;
}
