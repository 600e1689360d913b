// A run in 3D with its curves below: one moment for both, chosen by slider, by playing or in a plot.
{
  const FRAGMENTS = ["#0072b2", "#cc79a7", "#68727f", "#aab2bc", "#009e73"];
  const NEIGHBOURS = ["#bbbbbb", "#000000", "#f0e442", "#e69f00", "#0072b2", "#d55e00"];
  const mix = (from, to, share) => `#${[0, 1, 2].map((k) => Math.round(from[k] + (to[k] - from[k]) * share).toString(16).padStart(2, "0")).join("")}`;
  const ofCharge = (charge) => mix([232, 232, 228], charge > 0 ? [178, 24, 43] : [33, 102, 172], Math.min(1, Math.abs(charge)));

  for (const player of document.querySelectorAll(".player")) {
    const data = JSON.parse(player.querySelector("script").textContent);
    const [view, strips, overlay, picked] = [".view", ".strips", ".overlay", ".picked"].map((name) => player.querySelector(name));
    const [play, slider, time, more] = [".play", "input[type=range]", ".moment", ".more"].map((name) => player.querySelector(name));
    const [times, n] = [data.time_fs, data.atoms.length];
    const fragments = [...new Set(data.atoms.map((look) => look.fragment))];
    const ions = data.atoms.flatMap((look, i) => (look.radius_A ? [] : [i]));
    let [now, timer, viewer, place] = [0, null, null, null];
    let [frames, charges] = [null, null];
    let chosen = [];
    let bonds = [];

    const unpacked = () => {
      frames ??= Float32Array.from(new Int16Array(decoded(data.frames.places)), (each) => each * data.frames.scale_A);
      if (data.charges) charges ??= Float32Array.from(new Int16Array(decoded(data.charges.values)), (each) => each * data.charges.scale_e);
    };
    const places = (frame = now) => frames.subarray(3 * n * frame, 3 * n * (frame + 1));
    const pointOf = (i, frame = now) => { const at = places(frame).subarray(3 * i, 3 * i + 3); return { x: at[0], y: at[1], z: at[2] }; };
    const neighbours = () => {
      const counts = new Array(n).fill(0);
      for (const pair of bonds) for (const i of pair) counts[i]++;
      return counts;
    };
    const fills = () => {
      if (colours.value === "fragment") return data.atoms.map((look) => FRAGMENTS[fragments.indexOf(look.fragment) % FRAGMENTS.length]);
      if (colours.value === "charge") return data.atoms.map((_, i) => ofCharge(charges[now * n + i]));
      if (colours.value === "coordination") return neighbours().map((count) => NEIGHBOURS[Math.min(count, NEIGHBOURS.length - 1)]);
      return null;
    };
    const keys = () => {
      const entries = {
        fragment: fragments.map((name, k) => [name || "none", FRAGMENTS[k % FRAGMENTS.length]]),
        charge: [["−1 e or less", ofCharge(-1)], ["0", ofCharge(0)], ["+1 e or more", ofCharge(1)]],
        coordination: NEIGHBOURS.slice(1, 5).map((fill, k) => [`${k + 1} neighbour${k ? "s" : ""}`, fill]),
      }[colours.value] ?? [...new Map(data.atoms.map((look) => [look.meaning, look.fill]))];
      player.querySelector(".keys").replaceChildren(...entries.flatMap(([meaning, fill]) => {
        const ball = make("i", { className: "ball" });
        ball.style.background = fill;
        return [make("span", { className: "key" }, ball, meaning), " "];
      }));
    };
    const length = () => {
      const [a, b] = chosen.map((i) => pointOf(i));
      return `${Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z).toFixed(3)} Å`;
    };
    const tell = () => {
      const words = (i) => {
        const look = data.atoms[i];
        const charge = charges ? `, ${signedText(charges[now * n + i], 2)} e` : "";
        const count = neighbours()[i];
        return `${look.symbol} ${i}, ${look.fragment || "no fragment"}${charge}, ${count} neighbour${count === 1 ? "" : "s"}`;
      };
      picked.textContent = [...chosen.map(words), ...(chosen.length === 2 ? [length()] : [])].join(" · ");
    };
    const cover = () => {
      if (!viewer) return;
      const trails = trail.checked ? ions.map((i) => ({ fill: data.atoms[i].fill, points: Array.from({ length: now + 1 }, (_, k) => pointOf(i, k)) })) : [];
      drawOverlay(overlay, viewer, view, { trails, chosen: chosen.map((i) => pointOf(i)), length: chosen.length === 2 ? length() : "" });
    };
    const draw = () => {
      if (!frames) return;
      bonds = bondsOf(data.atoms, places(), data.bond_scale);
      tell();
      if (!viewer) return;
      place(places(), fills(), bonds);
      viewer.render();
      cover();
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
    const choose = (atoms) => {
      chosen = atoms.filter((i) => Number.isInteger(i) && i >= 0 && i < n).slice(-2);
      unpacked();
      draw();
    };

    const label = (words, control) => make("label", {}, `${words} `, control);
    const select = (...values) => make("select", {}, ...values.map(([value, text]) => make("option", { value, textContent: text })));
    const button = (text, action) => { const made = make("button", { type: "button", textContent: text }); made.addEventListener("click", action); return made; };
    const speed = select(["0.25", "¼×"], ["0.5", "½×"], ["1", "1×"], ["2", "2×"], ["4", "4×"], ["8", "8×"]);
    speed.value = "1";
    const loop = make("input", { type: "checkbox", checked: true });
    const trail = make("input", { type: "checkbox", disabled: ions.length === 0 });
    const colours = select(["element", "element"], ["fragment", "fragment"], ...(data.charges ? [["charge", "charge"]] : []), ["coordination", "coordination"]);
    const atoms = make("input", { type: "text", size: 7, placeholder: "12 40", inputMode: "numeric" });
    const aim = () => { if (viewer) { viewers.aim(viewer, view, pointsOf(places())); cover(); } };
    const whole = () => (document.fullscreenElement ? document.exitFullscreen() : player.querySelector(".stage").requestFullscreen());
    const save = select(["", "Save …"], ["extxyz", "trajectory (extxyz)"], ["vmd", "session for VMD"], ["ovito", "session for OVITO"], ["film", "film (WebM)"]);
    save.setAttribute("aria-label", `Save from the player of run ${data.run}`);
    more.append(label("Speed", speed), label("Loop", loop), label("Colour", colours), label("Trails", trail), label("Atoms", atoms), button("Reset view", aim), button("Full screen", whole), save);
    const further = player.querySelector(".further"); // on a narrow page the controls are folded
    further.addEventListener("click", () => {
      const open = player.querySelector(".stage").classList.toggle("unfolded");
      further.setAttribute("aria-expanded", open);
      further.textContent = open ? "Less" : "More";
    });
    colours.addEventListener("change", () => { keys(); draw(); });
    trail.addEventListener("change", cover);
    atoms.addEventListener("input", () => choose((atoms.value.match(/\d+/g) ?? []).map(Number)));
    save.addEventListener("change", async () => {
      const kind = save.value;
      save.value = "";
      unpacked();
      if (kind === "extxyz") saveAs(`${data.run}.extxyz`, asExtxyz(data, frames, charges));
      if (kind === "vmd") saveAs(`${data.run}.vmd`, asVmd(data.run));
      if (kind === "ovito") saveAs(`${data.run}-ovito.py`, asOvito(data.run));
      if (kind === "film" && viewer) {
        stop();
        let next = 0;
        const film = await record(view.querySelector("canvas"), () => { if (next >= times.length) return false; show(next++); return true; });
        saveAs(`${data.run}.webm`, film);
      }
    });

    const strip = data.series.map((series) => [series.title, addStrip(strips, series, times, data.events ?? [], (index) => { stop(); show(index); })]);
    addChips(strips, strip);
    const updates = strip.map(([, each]) => each.show);
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    play.addEventListener("click", () => {
      if (timer !== null) return stop();
      play.textContent = "Pause";
      const next = () => {
        const pace = Number(speed.value);
        const after = now + Math.max(1, Math.round(pace / 2));
        if (after >= times.length && !loop.checked) return stop();
        show(after < times.length ? after : 0);
        timer = setTimeout(next, pace < 1 ? 60 / pace : 60); // after the picture: a slow machine stays free to stop
      };
      timer = setTimeout(next, 0);
    });
    let pressed = null;
    view.addEventListener("pointerdown", (event) => { pressed = { x: event.clientX, y: event.clientY }; }, { capture: true });
    view.addEventListener("pointerup", (event) => {
      if (!viewer || !pressed || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4) return;
      const corner = view.getBoundingClientRect();
      const found = atomAt(viewer, view, pointsOf(places()), { x: event.clientX - corner.left, y: event.clientY - corner.top });
      choose(found < 0 ? [] : chosen.length === 1 && found !== chosen[0] ? [...chosen, found] : [found]);
      atoms.value = chosen.join(" ");
    }, { capture: true });
    player.jump = (fs) => { stop(); show(times.reduce((best, each, i) => (Math.abs(each - fs) < Math.abs(times[best] - fs) ? i : best), 0)); };
    show(data.start ?? 0);
    player.classList.add("ready");

    viewers.whenSeen(view, () => {
      if (viewer) return;
      unpacked();
      viewer = viewers.open(view, () => { viewer = null; overlay.replaceChildren(); stop(); });
      if (!viewer) return;
      place = addAtoms(viewer, data.atoms, data.bond_scale);
      draw();
      aim();
      viewer.setViewChangeCallback(cover);
      let size = `${view.clientWidth}×${view.clientHeight}`;
      new ResizeObserver(() => {
        const other = `${view.clientWidth}×${view.clientHeight}`;
        if (other !== size) requestAnimationFrame(aim); // after the library has taken the new size
        size = other;
      }).observe(view);
    });
  }
}
