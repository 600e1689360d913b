// Frames become a film with a slider, in the colours that the reader chooses; without this script they stay a grid.
for (const film of document.querySelectorAll(".film")) {
  const frames = [...film.querySelectorAll("figure")];
  const controls = Object.assign(document.createElement("div"), { className: "controls" });
  if (film.querySelector("img.safe")) {
    const choice = document.createElement("select");
    choice.append(new Option("as in the paper, blue to red", ""), new Option("safe for colour-blind readers", "safe"));
    choice.addEventListener("change", () => film.classList.toggle("safe", choice.value === "safe"));
    const label = document.createElement("label");
    label.append("Colours ", choice);
    controls.append(label);
  }
  film.prepend(controls);
  if (frames.length < 2) continue;
  const [play, all] = ["Play", "All frames"].map((word) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word;
    return button;
  });
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: frames.length - 1, value: 0 });
  slider.setAttribute("aria-label", `Frame of run ${film.dataset.name}`);
  const time = document.createElement("output");
  controls.prepend(play, slider, time, all);
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
  // one at the end that does not move it says nothing else
  slider.addEventListener("keydown", (event) => { if (/^(Arrow|Home|End|Page)/.test(event.key)) stop(); });
  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    single(true);
    play.textContent = "Pause";
    timer = setInterval(() => show((Number(slider.value) + 1) % frames.length), 700);
  });
  all.addEventListener("click", () => { stop(); single(!film.classList.contains("playing")); });
  show(0);
}
