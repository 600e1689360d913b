// Figures can be saved: as they are (SVG), and drawn on white (PNG).
{
  const save = (href, name) => Object.assign(document.createElement("a"), { href, download: name }).click();
  const dark = /@media\(prefers-color-scheme:dark\)\{[^}]*\}\}/;
  const toText = (uri) => new TextDecoder().decode(Uint8Array.from(atob(uri.split(",")[1]), (c) => c.charCodeAt(0)));
  const toUri = (svg) => `data:image/svg+xml,${encodeURIComponent(svg)}`;
  // what it is and at which level goes with the picture
  const titled = (svg, words) => svg.replace(/(<svg[^>]*>)/, (start) => `${start}<desc>${words.replace(/[<>&]/g, " ")}</desc>`);
  const toPng = async (uri, words) => {
    const image = Object.assign(new Image(), { src: uri });
    await image.decode();
    const scale = uri.startsWith("data:image/svg") ? Math.max(2, 1600 / image.naturalWidth) : 1;
    const size = { width: image.naturalWidth * scale, height: image.naturalHeight * scale };
    const line = Math.max(14, size.width / 60);
    const canvas = Object.assign(document.createElement("canvas"), { width: size.width, height: size.height + 2 * line });
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, size.width, size.height);
    context.fillStyle = "#1b1f24";
    context.font = `${line}px sans-serif`;
    context.fillText(words, line, size.height + 1.3 * line, size.width - 2 * line);
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
    const words = `${figure.querySelector("b").textContent}; ${figure.dataset.level}`;
    const light = () => (vector ? toUri(titled(toText(shown().src).replace(dark, ""), words)) : shown().src);
    offer("PNG", async () => save(await toPng(light(), words), `${figure.dataset.name}.png`));
    if (vector) offer("SVG", () => save(light(), `${figure.dataset.name}.svg`));
  }
}
