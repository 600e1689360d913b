"""Structures to look at in a notebook, in 3D and offline, by the report's own copy of 3Dmol.js."""

from __future__ import annotations

import html
import io
import json
from importlib.resources import files
from typing import TYPE_CHECKING

from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms

HEIGHT_PX = 420
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><script>{library}</script></head>
<body style="margin:0"><div id="view" style="width:100%;height:{height}px;position:relative"></div><script>
const viewer = $3Dmol.createViewer("view", {{backgroundColor: "white"}});
viewer.addModelsAsFrames({xyz}, "xyz");
viewer.setStyle({{}}, {{stick: {{radius: 0.12}}, sphere: {{scale: 0.25}}}});
viewer.zoomTo();
if ({frames} > 1) viewer.animate({{loop: "forward", interval: 80}});
viewer.render();
</script></body></html>
"""


class View:
    """Structures, one or the frames of a run; the last expression of a cell shows it.

    Parameters
    ----------
    name : str
        What it is.
    images : sequence of Atoms
        Of the same atoms.
    """

    def __init__(self, name: str, images: Sequence[Atoms]) -> None:
        self.name, self.images = name, images

    def __repr__(self) -> str:
        """Say what there is to see."""
        return f"<view of {self.name}: {len(self.images[0])} atoms, {len(self.images)} frames>"

    def html(self) -> str:
        """Return a page that shows it and needs no network."""
        from ase.io import write

        out = io.StringIO()
        plain = [image.copy() for image in self.images]
        for image in plain:
            image.arrays = {name: image.arrays[name] for name in ("numbers", "positions")}
        write(out, plain, format="xyz")
        library = (files("iondrill.report.page") / "vendor/3Dmol-min.js").read_text(encoding="utf-8")
        # what ends a script must not stand in one
        xyz = json.dumps(out.getvalue()).replace("</", "<\\/")
        title = html.escape(self.name)
        return PAGE.format(title=title, library=library, height=HEIGHT_PX, xyz=xyz, frames=len(self.images))

    def save(self, path: Path | str) -> None:
        """Write the page."""
        from pathlib import Path

        write_text(Path(path), self.html())

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:{HEIGHT_PX + 10}px;border:0"></iframe>'
