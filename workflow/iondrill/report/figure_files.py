"""The page's drawings as files of their own: what ``snakemake --report`` collects."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from iondrill.files import write_text
from iondrill.report.figures.charts import draw_adsorption, draw_panels, order_panels
from iondrill.report.figures.svg import lit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from iondrill.report.data import Results
    from iondrill.report.sections.pictures import Picture

MOST_CURVE_POINTS = 1000


def write_figures(results: Results, folder: Path) -> None:
    """Write ``<run>.svg`` with the order parameters of each run, and ``adsorption.svg``, where there is any."""
    for run in results.runs:
        level = results.title_of(run.level)
        panels = order_panels(run, level, MOST_CURVE_POINTS)
        warning = "" if run in results.finished_runs else ": not converged, do not use"
        write_text(folder / f"{run.name}.svg", draw_panels(panels, f"Run {run.name}, {level}{warning}"))
    if results.adsorption and results.adsorption.rows:
        write_text(folder / "adsorption.svg", draw_adsorption(results))


def write_pictures(pictures: Iterable[Picture], folder: Path) -> None:
    """Write drawings into a folder, each by its name; the folder may stay empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for picture in pictures:
        svg = base64.b64decode(picture.src.partition(",")[2]).decode()
        write_text(folder / f"{picture.name}.svg", lit(svg))
