// A row of the adsorption energies opens: the structure in 3D, the parts of the energy, its record.
{
  const table = document.querySelector("#adsorption table[data-file=adsorption]");
  const details = JSON.parse(document.getElementById("adsorption-rows")?.textContent ?? "[]");
  const terms = { E_tot: ["E", "tot"], E_sub: ["E", "sub"], E_atom: ["E", "atom"] };

  const energies = (parts) => {
    const list = make("dl");
    for (const [name, [letter, index]] of Object.entries(terms)) {
      list.append(make("dt", {}, letter, make("sub", {}, index)), make("dd", {}, `${signedText(parts[name], 4)} eV`));
    }
    list.append(make("dt", {}, "ions, n"), make("dd", {}, `${parts.n}`));
    return list;
  };
  const content = (row, found) => {
    const box = make("div", { className: "opened" });
    const words = make("div", {});
    const status = row.querySelector(".status.noted");
    if (status) words.append(make("p", {}, [...status.querySelectorAll("p")].map((each) => each.textContent).join("; ")));
    if (found.parts_eV) words.append(energies(found.parts_eV));
    if (found.job) words.append(make("p", {}, "Record: ", make("a", { href: `${found.job}/result.json` }, `${found.job}/result.json`)));
    if (!found.atoms) words.append(make("p", {}, "No relaxed geometry is there."));
    if (!words.childNodes.length) words.append(make("p", {}, "Nothing more is known of it."));
    box.append(words);
    if (found.atoms) {
      const view = make("div", { className: "view", tabIndex: 0 });
      view.setAttribute("role", "application");
      view.setAttribute("aria-label", `${row.id.replace("row-", "")} in 3D. Arrow keys turn it, plus and minus zoom.`);
      box.prepend(view);
      let viewer = null;
      const draw = () => {
        if (viewer) return;
        viewer = viewers.open(view, () => { viewer = null; });
        if (!viewer) return;
        const places = Float32Array.from(new Int32Array(decoded(found.positions_mA)), (each) => each / 1000);
        addAtoms(viewer, found.atoms, found.bond_scale)(places);
        viewer.render();
        viewers.aim(viewer, view, pointsOf(places));
      };
      viewers.whenSeen(view, draw);
    }
    return box;
  };
  const close = () => {
    table.querySelector("tr.detail")?.remove();
    for (const each of table.querySelectorAll("[aria-expanded=true]")) each.setAttribute("aria-expanded", "false");
  };
  const toggle = (row, open) => {
    const button = row.querySelector("button.opens");
    const was = button.getAttribute("aria-expanded") === "true";
    close();
    if (was && !open) return;
    button.setAttribute("aria-expanded", "true");
    const cell = make("td", { colSpan: row.cells.length });
    cell.append(content(row, details[Number(row.dataset.row)] ?? {}));
    row.after(make("tr", { className: "detail" }, cell));
  };
  for (const row of table?.querySelectorAll("tbody tr") ?? []) {
    const head = row.cells[0];
    const button = make("button", { type: "button", className: "opens" }, ...head.childNodes);
    button.setAttribute("aria-expanded", "false");
    head.append(button);
    button.addEventListener("click", () => {
      toggle(row, false);
      links.write(table.querySelector("tr.detail") ? row.id : "adsorption-table");
    });
    row.open = () => toggle(row, true);
  }
  table?.addEventListener("reordered", close);
}
