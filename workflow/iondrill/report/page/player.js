// A run in 3D with its order parameters next to it: one moment for both, chosen by slider, by playing or in a plot.
{
  const dashes = ["", "6 3", "6 2 1 2", "1 3"];
  const svg = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const html = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
  const brief = (value) => (value === null ? "–" : Number(value.toPrecision(4)).toString().replace("-", "−"));

  // Curves over time in a box: a heading with the values of the moment, and a plot with a line at it.
  function addStrip(box, series, times, choose) {
    const [height, pad] = [84, { left: 44, right: 8, top: 6, bottom: 6 }];
    const heading = html("p", "strip-title", `${series.title} (${series.unit}) `);
    const values = series.curves.map(({ label }, k) => {
      const [key, value] = [html("span", `key curve-${k % 4}`), html("b")];
      key.append(html("i", "swatch"), `${label} `, value, " ");
      heading.append(key);
      return value;
    });
    const plot = svg("svg", { class: "strip", height, role: "img", "aria-label": series.alt });
    box.append(heading, plot);
    const all = series.curves.flatMap((curve) => curve.values).filter((value) => value !== null);
    let [low, high] = [Math.min(...all), Math.max(...all)];
    if (["number", "fraction"].includes(series.unit)) [low, high] = [Math.min(0, low), Math.max(1, high)];
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    const span = times.at(-1) - times[0] || 1;
    let x = () => 0;
    const y = (value) => pad.top + ((high - value) / (high - low)) * (height - pad.top - pad.bottom);
    const line = svg("line", { class: "moment", y1: 0, y2: height });
    const draw = () => {
      const width = plot.clientWidth || 300;
      plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
      x = (time) => pad.left + ((time - times[0]) / span) * (width - pad.left - pad.right);
      plot.replaceChildren();
      for (const value of [low, high]) {
        plot.append(svg("line", { class: "rule", x1: pad.left, x2: width - pad.right, y1: y(value), y2: y(value) }));
        const text = svg("text", { x: pad.left - 5, y: y(value) + 4, "text-anchor": "end" });
        text.textContent = Number(value.toPrecision(3)).toString().replace("-", "−");
        plot.append(text);
      }
      series.curves.forEach((curve, k) => {
        let path = "";
        let pen = "M";
        curve.values.forEach((value, i) => {
          if (value === null) { pen = "M"; return; }
          const stairs = series.unit === "number" && pen === "L" ? `H${x(times[i]).toFixed(1)}` : "";
          path += `${stairs}${pen}${x(times[i]).toFixed(1)},${y(value).toFixed(1)}`;
          pen = "L";
        });
        plot.append(svg("path", { class: `curve-${k % 4}`, d: path, "stroke-dasharray": dashes[k % 4] }));
      });
      plot.append(line);
    };
    const pick = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = plot.getBoundingClientRect();
      const time = times[0] + ((event.clientX - box.left - pad.left) / (box.width - pad.left - pad.right)) * span;
      let nearest = 0;
      times.forEach((each, i) => { if (Math.abs(each - time) < Math.abs(times[nearest] - time)) nearest = i; });
      choose(nearest);
    };
    plot.addEventListener("pointerdown", pick);
    plot.addEventListener("pointermove", pick);
    let moment = 0;
    const show = (index) => {
      moment = index;
      for (const end of ["x1", "x2"]) line.setAttribute(end, x(times[index]).toFixed(1));
      series.curves.forEach((curve, k) => { values[k].textContent = brief(curve.values[index]); });
    };
    new ResizeObserver(() => { draw(); show(moment); }).observe(plot);
    draw();
    return show;
  }

  for (const player of document.querySelectorAll(".player")) {
    const data = JSON.parse(player.querySelector("script").textContent);
    const [view, controls, strips] = ["view", "controls", "strips"].map((name) => player.querySelector(`.${name}`));
    const [play, slider, time] = ["button", "input", "output"].map((tag) => controls.querySelector(tag));
    const times = data.time_fs;
    let [now, timer, viewer, place] = [0, null, null, null];
    let frames = null;

    const draw = () => {
      if (!viewer) return;
      const size = 3 * data.atoms.length;
      place(frames.subarray(now * size, (now + 1) * size));
      viewer.render();
    };
    const show = (index) => {
      now = index;
      slider.value = index;
      player.dataset.frame = index;
      time.textContent = `${times[index]} fs`;
      slider.setAttribute("aria-valuetext", `${times[index]} fs, step ${data.step[index]}`);
      for (const update of updates) update(index);
      draw();
    };
    const stop = () => {
      clearTimeout(timer);
      timer = null;
      play.textContent = "Play";
    };
    const updates = data.series.map((series) => addStrip(strips, series, times, (index) => { stop(); show(index); }));
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    play.addEventListener("click", () => {
      if (timer !== null) return stop();
      play.textContent = "Pause";
      const next = () => {
        show((now + 1) % times.length);
        timer = setTimeout(next, 60); // after the picture: a slow machine stays free to stop
      };
      next();
    });
    show(0);
    player.classList.add("ready");

    viewers.whenSeen(view, () => {
      if (viewer) return;
      frames ??= Float32Array.from(new Int16Array(decoded(data.frames.places)), (place) => place * data.frames.scale_A);
      viewer = viewers.open(view, () => { viewer = null; stop(); });
      if (!viewer) return;
      place = addAtoms(viewer, data.atoms, data.bond_scale);
      draw();
      viewers.aim(viewer, view);
    });
  }
}
