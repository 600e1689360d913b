// Where the page is, as a link: a section, a moment of a run, a row, and how a table is sorted and filtered.
links.follow = () => {
  const [id, query = ""] = decodeURIComponent(location.hash.slice(1)).split("?");
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (target.tagName === "DETAILS") target.open = true;
  const wanted = new URLSearchParams(query);
  target.querySelectorAll?.("table.filtered").forEach((table) => table.restore?.(wanted));
  if (wanted.has("fs")) target.jump?.(Number(wanted.get("fs")));
  target.open?.call?.(target);
  target.scrollIntoView();
};
addEventListener("hashchange", links.follow);
if (location.hash) links.follow();
