// Figures can be saved: as they are (SVG), and drawn on white (PNG).
{
  const save = (href, name) => Object.assign(document.createElement("a"), { href, download: name }).click();
  const dark = /@media\(prefers-color-scheme:dark\)\{[^}]*\}\}/;
  const toText = (uri) => new TextDecoder().decode(Uint8Array.from(atob(uri.split(",")[1]), (c) => c.charCodeAt(0)));
  const toUri = (svg) => `data:image/svg+xml,${encodeURIComponent(svg)}`;
  const toPng = async (uri) => {
    const image = Object.assign(new Image(), { src: uri });
    await image.decode();
    const scale = uri.startsWith("data:image/svg") ? Math.max(2, 1600 / image.naturalWidth) : 1;
    const size = { width: image.naturalWidth * scale, height: image.naturalHeight * scale };
    const canvas = Object.assign(document.createElement("canvas"), size);
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/png");
  };
  for (const figure of document.querySelectorAll("figure[data-name]")) {
    const links = figure.querySelector(".downloads");
    const shown = () => [...figure.querySelectorAll("img")].find((image) => image.offsetParent !== null) ?? figure.querySelector("img");
    const offer = (kind, action) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: kind });
      button.setAttribute("aria-label", `Save ${figure.dataset.name} as ${kind}`);
      button.addEventListener("click", action);
      links.prepend(button, " ");
    };
    const vector = figure.querySelector("img").src.startsWith("data:image/svg");
    const light = () => (vector ? toUri(toText(shown().src).replace(dark, "")) : shown().src);
    offer("PNG", async () => save(await toPng(light()), `${figure.dataset.name}.png`));
    if (vector) offer("SVG", () => save(light(), `${figure.dataset.name}.svg`));
  }
}
