// Curves over one time axis: a heading with the values of the moment, and a plot with a line at it.
const dashes = ["", "6 3", "6 2 1 2", "1 3"];
const brief = (value) => (value === null ? "–" : Number(value.toPrecision(4)).toString().replace("-", "−"));
const ticksOf = (low, high) => {
  const rough = (high - low) / 4 || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * size).find((each) => each >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9 * step; tick += step) found.push(Number(tick.toPrecision(12)));
  return found;
};

function addStrip(box, series, times, events, choose) {
  const [height, pad] = [104, { left: 44, right: 8, top: 6, bottom: 20 }];
  const heading = make("p", { className: "strip-title" }, `${series.title} (${series.unit}) `);
  const values = series.curves.map(({ label }, k) => {
    const value = make("b");
    heading.append(make("span", { className: `key curve-${k % 4}` }, make("i", { className: "swatch" }), `${label} `, value, " "));
    return value;
  });
  const plot = svgElement("svg", { class: "strip", height, role: "img", "aria-label": series.alt });
  const whole = make("div", { className: "curves" }, heading, plot);
  box.append(whole);
  const all = series.curves.flatMap((curve) => curve.values).filter((value) => value !== null);
  let [low, high] = [Math.min(...all), Math.max(...all)];
  if (["number", "fraction"].includes(series.unit)) [low, high] = [Math.min(0, low), Math.max(1, high)];
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const span = times.at(-1) - times[0] || 1;
  let x = () => 0;
  const y = (value) => pad.top + ((high - value) / (high - low)) * (height - pad.top - pad.bottom);
  const line = svgElement("line", { class: "moment", y1: 0, y2: height - pad.bottom });
  const draw = () => {
    const width = plot.clientWidth || 300;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    x = (time) => pad.left + ((time - times[0]) / span) * (width - pad.left - pad.right);
    plot.replaceChildren();
    for (const value of [low, high]) {
      plot.append(svgElement("line", { class: "rule", x1: pad.left, x2: width - pad.right, y1: y(value), y2: y(value) }));
      plot.append(svgElement("text", { x: pad.left - 5, y: y(value) + 4, "text-anchor": "end" }, Number(value.toPrecision(3)).toString().replace("-", "−")));
    }
    for (const tick of ticksOf(times[0], times.at(-1))) {
      plot.append(svgElement("line", { class: "rule", x1: x(tick), x2: x(tick), y1: pad.top, y2: height - pad.bottom + 4 }));
      const anchor = x(tick) > width - 30 ? "end" : "middle";
      plot.append(svgElement("text", { x: x(tick), y: height - 4, "text-anchor": anchor }, tick === times[0] ? `${tick} fs` : `${tick}`));
    }
    for (const event of events) {
      const mark = svgElement("line", { class: "event", x1: x(event.time_fs), x2: x(event.time_fs), y1: pad.top, y2: height - pad.bottom });
      mark.append(svgElement("title", {}, `${event.what}, ${event.time_fs} fs`));
      plot.append(mark);
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
      plot.append(svgElement("path", { class: `curve-${k % 4}`, d: path, "stroke-dasharray": dashes[k % 4] }));
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
  return { whole, show };
}

// Buttons that show and hide curves; what is hidden is remembered for all pages, where the browser lets us.
const memory = {
  read(name) { try { return JSON.parse(localStorage.getItem(name)) ?? []; } catch { return []; } },
  write(name, value) { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* it forgets */ } },
};
function addChips(box, strips) {
  const name = "iondrill.hidden-curves";
  const hidden = new Set(memory.read(name));
  const chips = make("div", { className: "chips" });
  chips.append(make("span", { className: "note" }, "Curves "));
  for (const [title, strip] of strips) {
    const chip = make("button", { type: "button", className: "chip", textContent: title });
    const update = () => {
      strip.whole.hidden = hidden.has(title);
      chip.setAttribute("aria-pressed", !hidden.has(title));
    };
    chip.addEventListener("click", () => {
      hidden[hidden.has(title) ? "delete" : "add"](title);
      memory.write(name, [...hidden]);
      update();
    });
    update();
    chips.append(chip);
  }
  box.before(chips);
}
