// Tables sort by the column whose heading is pressed, empty cells last; those that filter show the rows that match.
const links = {
  // Put a place into the address bar, so that it can be copied; no step back comes of it.
  write(id, query = "") { history.replaceState(null, "", `#${id}${query ? `?${query}` : ""}`); },
};
{
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const valueOf = (cell) => ("value" in cell.dataset ? cell.dataset.value : cell.textContent.trim());
  const rowsOf = (table) => [...table.tBodies[0].rows].filter((row) => !row.classList.contains("detail"));
  const columnOf = (head) => head.dataset.column ?? head.textContent.trim();

  // What is shown of a table, as CSV: numbers whole, columns by their names in the files.
  const asCsv = (table) => {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const heads = [...table.tHead.rows[0].cells];
    const rows = rowsOf(table).filter((row) => !row.hidden).map((row) => [...row.cells].map(valueOf));
    return [heads.map(columnOf), ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    for (const row of body.rows) [...row.cells].forEach((cell, k) => { cell.dataset.label = heads[k]?.textContent.trim() ?? ""; });
    table.sort = (column, down) => {
      const head = heads[column];
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numeric = head.classList.contains("number");
      const rows = rowsOf(table).sort((a, b) => {
        const [x, y] = [a, b].map((row) => valueOf(row.cells[column]));
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
        return down ? -order : order;
      });
      table.dispatchEvent(new Event("reordered"));
      body.append(...rows);
    };
    heads.forEach((head, column) => {
      if (head.classList.contains("plain")) return;
      const button = element("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        table.sort(column, head.getAttribute("aria-sort") === "ascending");
        table.tell?.();
      });
    });
  }

  for (const table of document.querySelectorAll("table.filtered")) {
    const rows = rowsOf(table);
    const heads = [...table.tHead.rows[0].cells];
    const filters = element("div", { className: "controls filters" });
    const chosen = new Map();
    const words = element("input", { type: "search", placeholder: "any word" });
    const count = element("output", {});
    const update = () => {
      const wanted = words.value.trim().toLowerCase();
      let shown = 0;
      table.dispatchEvent(new Event("reordered"));
      for (const row of rows) {
        const fits = [...chosen].every(([column, select]) => !select.value || valueOf(row.cells[column]) === select.value);
        row.hidden = !(fits && row.textContent.toLowerCase().includes(wanted));
        shown += !row.hidden;
      }
      count.textContent = `${shown} of ${rows.length} rows`;
    };
    heads.forEach((head, column) => {
      if (!("filter" in head.dataset)) return;
      const shown = new Map(rows.map((row) => [valueOf(row.cells[column]), row.cells[column].textContent.trim()]));
      if (shown.size < 2) return;
      const select = element("select", {}, element("option", { value: "", textContent: "all" }));
      select.append(...[...shown].sort().map(([value, textContent]) => element("option", { value, textContent })));
      chosen.set(column, select);
      filters.append(element("label", {}, `${head.textContent.trim()} `, select));
    });
    filters.append(element("label", {}, "Find ", words), count);
    if (table.dataset.file) {
      const save = element("button", { type: "button", textContent: "CSV of these rows" });
      save.addEventListener("click", () => saveAs(`${table.dataset.file}.csv`, asCsv(table), "text/csv"));
      filters.append(save);
    }
    // sorting and filters are in the address bar
    const place = table.closest("details[id]") ?? table.closest("section[id]");
    table.tell = () => {
      const state = new URLSearchParams();
      for (const [column, select] of chosen) if (select.value) state.set(columnOf(heads[column]), select.value);
      if (words.value) state.set("find", words.value);
      const sorted = heads.find((head) => head.hasAttribute("aria-sort"));
      if (sorted) state.set("sort", (sorted.getAttribute("aria-sort") === "descending" ? "-" : "") + columnOf(sorted));
      links.write(place.id, state.toString());
    };
    table.restore = (state) => {
      for (const [column, select] of chosen) select.value = state.get(columnOf(heads[column])) ?? "";
      words.value = state.get("find") ?? "";
      const sort = state.get("sort") ?? "";
      const column = heads.findIndex((head) => columnOf(head) === sort.replace("-", ""));
      if (column >= 0) table.sort(column, sort.startsWith("-"));
      update();
    };
    filters.addEventListener("input", () => { update(); table.tell(); });
    table.closest(".scroll").before(filters);
    update();
  }
}
