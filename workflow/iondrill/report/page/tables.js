// Tables sort by the column whose heading is pressed, empty cells last; those that filter show the rows that match.
{
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const valueOf = (cell) => ("value" in cell.dataset ? cell.dataset.value : cell.textContent.trim());

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.classList.contains("plain")) return;
      const button = element("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const numeric = head.classList.contains("number");
        const rows = [...body.rows].sort((a, b) => {
          const [x, y] = [a, b].map((row) => valueOf(row.cells[column]));
          if (x === "" || y === "") return (x === "") - (y === "");
          const order = numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
          return down ? -order : order;
        });
        body.append(...rows);
      });
    });
  }

  for (const table of document.querySelectorAll("table.filtered")) {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells];
    const filters = element("div", { className: "controls filters" });
    const chosen = new Map();
    const words = element("input", { type: "search", placeholder: "any word" });
    const count = element("output", {});
    const update = () => {
      const wanted = words.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const fits = [...chosen].every(([column, select]) => !select.value || valueOf(row.cells[column]) === select.value);
        row.hidden = !(fits && row.textContent.toLowerCase().includes(wanted));
        shown += !row.hidden;
      }
      count.textContent = `${shown} of ${rows.length} rows`;
    };
    heads.forEach((head, column) => {
      if (!("filter" in head.dataset)) return;
      const values = [...new Set(rows.map((row) => valueOf(row.cells[column])))].sort();
      if (values.length < 2) return;
      const select = element("select", {}, element("option", { value: "", textContent: "all" }));
      select.append(...values.map((value) => element("option", { value, textContent: value })));
      chosen.set(column, select);
      filters.append(element("label", {}, `${head.textContent.trim()} `, select));
    });
    filters.append(element("label", {}, "Find ", words), count);
    filters.addEventListener("input", update);
    table.closest(".scroll").before(filters);
    update();
  }
}
