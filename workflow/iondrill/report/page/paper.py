"""The paper's figures from a run: ELF along the path (4a), snapshots (4b), adsorption sites and energies (S9)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import RootModel

from iondrill.analyse.elf.map import read_elf_map
from iondrill.analyse.tables import evenly
from iondrill.config.load import load
from iondrill.files import replacing, write_text
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan
from iondrill.report.figures.charts import draw_adsorption
from iondrill.report.figures.drawing import IN_PLANE, Scene, by_element, draw_scene, drawing
from iondrill.report.figures.elf_map import scale, shown
from iondrill.report.figures.plane_map import aspect, paint
from iondrill.report.figures.svg import STYLE, canvas, data_uri
from iondrill.report.sections.site_pictures import facet_with_sites

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ase import Atoms

    from iondrill.report.data import ElfFrame, Results, Run

MOST_FRAMES = 5
MAP_WIDTH_IN = 6.0
GAP_PX = 34


class PaperFigure(NamedTuple):
    """A figure: which of the paper's, its file without folder, its bytes, and the level of theory."""

    key: str
    title: str
    file: str
    content: bytes
    level: str


class Lines(RootModel[dict[str, str]]):
    """What ``paper.yaml`` holds: a line on each figure of the paper."""


def write_paper_figures(results: Results, folder: Path) -> None:
    """Write the figures that a run has, and ``index.html`` with each next to a line on what the paper shows.

    Parameters
    ----------
    results : Results
        The run; nothing is drawn from what did not converge.
    folder : Path
        Made if it is not there.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    said = load(Lines, Path(__file__).with_name("paper.yaml")).root
    figures = []
    for figure in _figures(results):
        with replacing(folder / figure.file) as temporary:
            temporary.write_bytes(figure.content)
        kind = "image/png" if figure.file.endswith(".png") else "image/svg+xml"
        figures.append({**figure._asdict(), "paper": said[figure.key], "src": data_uri(figure.content, kind)})
    environment = Environment(loader=PackageLoader(__package__, ""), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("paper.html").render(title=results.config.title, figures=figures)
    write_text(folder / "index.html", page + "\n")


def _figures(results: Results) -> Iterator[PaperFigure]:
    elf_level = results.title_of(results.config.elf.level)
    for run in (run for run in results.finished_runs if run.maps):
        frames = [run.maps[i] for i in evenly(len(run.maps), MOST_FRAMES)]
        times_fs, atoms = [frame.time_fs for frame in frames], _atoms(results, run, frames)
        maps = [frame.image.with_suffix(".npz") for frame in frames]
        title = f"ELF along the path, run {run.name}"
        yield PaperFigure("fig4a", title, f"fig4a-{run.name}.png", draw_path(maps, atoms, times_fs), elf_level)
        title = f"Snapshots of run {run.name}"
        content = draw_snapshots(atoms, times_fs).encode()
        yield PaperFigure("fig4b", title, f"fig4b-{run.name}.svg", content, results.title_of(run.level))
    if results.adsorption and results.adsorption.rows:
        for slab in (item for item in results.structures if item.state == "as built"):
            if slab.name in results.config.adsorption.facets:
                content = draw_scene(facet_with_sites(results, slab)).encode()
                title = f"Adsorption sites on {slab.name}"
                yield PaperFigure("figS9", title, f"figS9-{slab.name}.svg", content, "built, not computed")
        levels = ", ".join(dict.fromkeys(results.title_of(row["level"]) for row in results.adsorption.rows))
        content = draw_adsorption(results).encode()
        yield PaperFigure("figS9", "Adsorption energies", "figS9-energies.svg", content, levels)


def _atoms(results: Results, run: Run, frames: Sequence[ElfFrame]) -> list[Atoms]:
    """Return the mapped frames."""
    plan = Plan(results.config)
    planned = {str(frame): frame for frame in plan.elf.frames(run.name)}
    jobs = (plan.elf.of_frame(run.name, planned[frame.name]) for frame in frames)
    return [read_structure(plan.folder(job) / "structure.extxyz") for job in jobs]


def draw_path(maps: Sequence[Path], atoms: Sequence[Atoms], times_fs: Sequence[float]) -> bytes:
    """Return ELF maps below each other at one scale, as PNG.

    Parameters
    ----------
    maps : sequence of Path
        ``.npz`` files.
    atoms : sequence of Atoms
        In the frame of each.
    times_fs : sequence of float
        Of each.
    """
    from matplotlib import rc_context

    read = [read_elf_map(path) for path in maps]
    with rc_context(STYLE):
        height = sum(MAP_WIDTH_IN * aspect(each.plane) + 0.6 for each in read)
        figure, axes = canvas(len(read), 1, (MAP_WIDTH_IN + 1.2, height))
        for ax, each, frame, time_fs in zip(axes, read, atoms, times_fs, strict=True):
            image = paint(ax, each.plane, shown(each), scale(), frame)
            ax.grid(visible=False)
            ax.set_title(f"{time_fs:g} fs")
        figure.colorbar(image, ax=axes, label=scale().label, aspect=70)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=200, metadata={"Software": None})
        return out.getvalue()


def draw_snapshots(frames: Sequence[Atoms], times_fs: Sequence[float]) -> str:
    """Return frames below each other from the side, all at one scale, as SVG with a legend."""
    within_A = np.vstack([atoms.positions[:, IN_PLANE["side"]] for atoms in frames])
    scenes = [
        drawing(Scene(atoms, "side", by_element(atoms), (), within_A), legend=k == len(frames) - 1)
        for k, atoms in enumerate(frames)
    ]
    parts, top = [], 0
    for scene, time_fs in zip(scenes, times_fs, strict=True):
        parts.append(f'<text x="12" y="{top + 24}" font-family="sans-serif" font-size="20">{time_fs:g} fs</text>')
        parts.append(scene.svg.replace("<svg ", f'<svg y="{top + GAP_PX}" ', 1))
        top += scene.height + GAP_PX
    width = scenes[-1].width
    size = f'width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', *parts, "</svg>\n"])
