"use strict";
// Tables sort by the column whose heading is pressed; empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[column];
        return "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim();
      };
      const numeric = head.classList.contains("number");
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });
}
// Frames become a film with a slider; without this script they stay a grid.
for (const film of document.querySelectorAll(".film")) {
  const frames = [...film.querySelectorAll("figure")];
  if (frames.length < 2) continue;
  const controls = document.createElement("div");
  controls.className = "controls";
  const [play, all] = ["Play", "All frames"].map((word) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word;
    return button;
  });
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: frames.length - 1, value: 0 });
  slider.setAttribute("aria-label", `Frame of run ${film.dataset.name}`);
  const time = document.createElement("output");
  controls.append(play, slider, time, all);
  film.prepend(controls);
  film.classList.add("playing");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const show = (index) => {
    slider.value = index;
    frames.forEach((frame, k) => frame.classList.toggle("now", k === index));
    const title = frames[index].querySelector("b").textContent;
    time.textContent = title;
    slider.setAttribute("aria-valuetext", title);
  };
  const single = (on) => {
    film.classList.toggle("playing", on);
    all.textContent = on ? "All frames" : "One frame";
  };
  slider.addEventListener("input", () => { stop(); single(true); show(Number(slider.value)); });
  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    single(true);
    play.textContent = "Pause";
    timer = setInterval(() => show((Number(slider.value) + 1) % frames.length), 700);
  });
  all.addEventListener("click", () => { stop(); single(!film.classList.contains("playing")); });
  show(0);
}
