"""The pictures of the page: each with its level of theory, words for those who do not see it, and its data."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import ase.io

from iondrill.prepare.plan import Plan
from iondrill.report.figures.charts import contact_panel, draw_adsorption, draw_differences, draw_panel, order_panels
from iondrill.report.figures.drawing import Scene, by_element, by_layer, by_neighbours, draw_scene
from iondrill.report.figures.svg import data_uri, themed
from iondrill.report.sections.site_pictures import facet_with_sites
from iondrill.report.table import position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.analyse.tables import Table
    from iondrill.report.data import Results, Run, Structure
    from iondrill.report.figures.charts import Panel

MOST_ROWS = 4000
"""Frames drawn in all runs together: they keep the page small."""


class Picture(NamedTuple):
    """A figure of the page; `src` and `data` are data URIs."""

    src: str
    alt: str
    title: str
    caption: str
    level: str
    data: str
    data_name: str
    shape: str
    safe: str = ""
    """The same in colours that colour-blind readers tell apart, where `src` is not."""
    files: tuple[Path, ...] = ()
    """Of the results: what it shows."""

    @property
    def name(self) -> str:
        """A name for files."""
        return self.data_name.removesuffix(".gz").rpartition(".")[0]

    @property
    def kind(self) -> str:
        """What its data are."""
        return self.data_name[len(self.name) + 1 :].upper()


class Group(NamedTuple):
    """Pictures under a heading."""

    title: str
    pictures: list[Picture]


def structure_pictures(results: Results) -> list[Group]:
    """Return nanodiamonds before and after relaxation, each run's start and end, and facets with their sites."""
    groups = [
        Group("Nanodiamonds, by number of neighbours", list(_nanodiamonds(results))),
        Group("Assemblies, from the side", list(_assemblies(results))),
        Group("Facets, with the sites where ions start", list(_facets(results))),
    ]
    return [group for group in groups if group.pictures]


def run_pictures(results: Results, run: Run) -> list[Picture]:
    """Return order parameters and charges over time."""
    panels = order_panels(run, results.title_of(run.level), _most_rows(results))
    total, shown = len(run.order.rows), min(len(run.order.rows), _most_rows(results))
    note = "" if shown == total else f"{shown} of {total} frames; all are in {run.order.path.name}."
    return [curves(panel, note) for panel in panels]


def contact_picture(results: Results, run: Run) -> Picture | None:
    """Return the ELF at the contacts over time; None without maps."""
    panel = contact_panel(run, results.title_of(results.config.elf.level), _most_rows(results))
    return None if panel is None else curves(panel, "")


def adsorption_picture(results: Results) -> Picture | None:
    """Return the bars of the adsorption energies; None where there are none."""
    return _bars(results, results.adsorption, "E_ads_eV", "Adsorption energies", draw_adsorption)


def difference_picture(results: Results) -> Picture | None:
    """Return the bars of the differences between levels; None where there is one level only."""
    title = "Adsorption energies, level against level"
    return _bars(results, results.differences, "dE_ads_eV", title, draw_differences)


def _bars(
    results: Results, table: Table | None, column: str, title: str, draw: Callable[[Results], str]
) -> Picture | None:
    """Return bars by facet, site, n and ion, and in words their height."""
    if table is None or not table.rows:
        return None
    levels = dict.fromkeys(
        results.title_of(row[key]) for key in ("level", "against") for row in table.rows if key in row
    )
    energies = (
        f"{row['adsorbate']} on {row['facet']}, {position_of(row)}: {row[column] or 'none'}" for row in table.rows
    )
    return Picture(
        src=data_uri(themed(draw(results)), "image/svg+xml"),
        alt=f"Bars, {title}, in eV per ion, {', '.join(levels)}. {'; '.join(energies)}.",
        title=title,
        caption="by facet, site and ion; n: ions in the cell, where there are several",
        level=", ".join(levels),
        data=data_uri(table.text, "text/csv"),
        data_name=table.path.name,
        shape="wide",
        files=(table.path,),
    )


def _most_rows(results: Results) -> int:
    return min(1000, max(100, MOST_ROWS // max(1, len(results.runs))))


def curves(panel: Panel, note: str) -> Picture:
    """Return curves over time, with a note."""
    return Picture(
        src=data_uri(themed(draw_panel(panel)), "image/svg+xml"),
        alt=panel.alt,
        title=panel.title,
        caption=note,
        level=panel.level,
        data=data_uri(panel.csv, "text/csv"),
        data_name=f"{panel.name}.csv",
        shape="curves",
        files=panel.files,
    )


def _nanodiamonds(results: Results) -> Iterator[Picture]:
    for item in results.structures:
        if set(item.check.fragments) == {"nd"}:
            yield _drawn(results, item, item.name, Scene(item.atoms, "side", by_neighbours(item.atoms)))


def _assemblies(results: Results) -> Iterator[Picture]:
    plan = Plan(results.config)
    for run in results.runs:
        start, level = plan.md.assembly(run.name), plan.md.level_of_parts(run.name)
        ends = {
            "start": (start, level or "", "assembled" if level else "as built"),
            "end": (run.name, run.level, "last frame"),
        }
        for moment, wanted in ends.items():
            for item in (item for item in results.structures if (item.name, item.level or "", item.state) == wanted):
                scene = Scene(item.atoms, "side", by_element(item.atoms))
                yield _drawn(results, item, f"Run {run.name}, {moment}", scene)


def _facets(results: Results) -> Iterator[Picture]:
    for facet in results.config.adsorption.facets:
        for item in (item for item in results.structures if item.name == facet):
            if item.state == "as built":  # what names the sites
                yield _drawn(results, item, f"{facet}, from above", facet_with_sites(results, item))
            scene = Scene(item.atoms, "side", by_layer(item.atoms))
            yield _drawn(results, item, f"{facet}, from the side", scene)


def _drawn(results: Results, item: Structure, title: str, scene: Scene) -> Picture:
    counted = Counter(colour.meaning for colour in scene.colours)
    words = "; ".join(f"{meaning}: {count}" for meaning, count in sorted(counted.items()))
    sites = f"sites {', '.join(mark.label for mark in scene.marks)}" if scene.marks else ""
    return Picture(
        src=data_uri(themed(draw_scene(scene)), "image/svg+xml"),
        alt=f"Balls and sticks: {title}, {item.state}, {item.check.formula}. Atoms drawn: {words}. {sites}".strip(),
        title=title,
        caption=", ".join(filter(None, [item.state, item.check.formula, sites])),
        level=results.title_of(item.level) if item.level else "built, not computed",
        data=data_uri(_as_xyz(item.atoms), "chemical/x-xyz"),
        data_name=f"{title.replace(', ', '-')}-{item.state}.extxyz".replace(" ", "-"),
        shape="structure",
        files=(item.path,),
    )


def _as_xyz(atoms: Atoms) -> str:
    text = io.StringIO()
    ase.io.write(text, atoms, format="extxyz", write_results=False)
    return text.getvalue()
