"""The pictures of the page: each with its level of theory, words for those who do not see it, and its data."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import ase.io

from iondrill.prepare.plan import Plan
from iondrill.report.drawing import Scene, by_element, by_layer, by_neighbours, draw_scene
from iondrill.report.figures import contact_panel, draw_adsorption, draw_differences, draw_panel, order_panels
from iondrill.report.sites import facet_with_sites
from iondrill.report.svg import data_uri, small_png, themed
from iondrill.report.table import evenly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.report.data import Results, Run, Structure
    from iondrill.report.figures import Panel
    from iondrill.report.table import Table

MOST_ROWS, MOST_MAPS = 4000, 60
"""Frames drawn, and maps shown, in all runs together: they keep the page small."""
MAP_WIDTH_PX = 760


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

    @property
    def name(self) -> str:
        """A name for files."""
        return self.data_name.rpartition(".")[0]


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
    return [_curves(panel, note) for panel in panels]


def contact_picture(results: Results, run: Run) -> Picture | None:
    """Return the ELF at the contacts over time; None without maps."""
    panel = contact_panel(run, results.title_of(results.config.elf.level), _most_rows(results))
    return None if panel is None else _curves(panel, "")


def map_pictures(results: Results, run: Run) -> list[Picture]:
    """Return the maps of the ELF, evenly spaced ones where there are too many for one page."""
    level = results.title_of(results.config.elf.level)
    chosen = evenly(len(run.maps), max(2, MOST_MAPS // len(results.runs)))
    return [
        Picture(
            src=_inlined(frame.image),
            alt=f"Map of the electron localisation function of run {run.name} at {frame.time_fs:g} fs, {level}: "
            f"colours from blue (0) to red (1). {_contacts_in_words(run, frame.step)}",
            title=f"{frame.time_fs:g} fs",
            caption=f"step {frame.step}",
            level=level,
            data=data_uri(run.contacts.where("step", str(frame.step)).text if run.contacts else "", "text/csv"),
            data_name=f"{run.name}-{frame.step}-contacts.csv",
            shape="map",
            safe=_inlined(frame.image.with_suffix(".cividis.png")),
        )
        for frame in (run.maps[i] for i in chosen)
    ]


def difference_pictures(results: Results, run: Run) -> list[Picture]:
    """Return the maps of the density difference, as many as of the ELF; none where there are none."""
    level = results.title_of(results.config.elf.level)
    chosen = evenly(len(run.maps), max(2, MOST_MAPS // len(results.runs)))
    frames = [(frame, frame.image.with_suffix(".difference.png")) for frame in (run.maps[i] for i in chosen)]
    return [
        Picture(
            src=_inlined(image),
            alt=f"Map of what the electron density of run {run.name} gains (red) and loses (blue) at "
            f"{frame.time_fs:g} fs as nanodiamond and flake meet, {level}",
            title=f"{frame.time_fs:g} fs",
            caption=f"step {frame.step}",
            level=level,
            data=data_uri(image.with_suffix(".npz").read_bytes(), "application/octet-stream"),
            data_name=f"{run.name}-{frame.step}-difference.npz",
            shape="map",
        )
        for frame, image in frames
        if image.exists() and image.with_suffix(".npz").exists()
    ]


def _inlined(image: Path) -> str:
    """Return a PNG as a data URI; nothing where there is none."""
    return data_uri(small_png(image.read_bytes(), MAP_WIDTH_PX), "image/png") if image.exists() else ""


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
    """Return bars by facet, site and ion, and in words their height."""
    if table is None or not table.rows:
        return None
    levels = dict.fromkeys(
        results.title_of(row[key]) for key in ("level", "against") for row in table.rows if key in row
    )
    energies = (f"{row['adsorbate']} on {row['facet']}, {row['site']}: {row[column] or 'none'}" for row in table.rows)
    return Picture(
        src=data_uri(themed(draw(results)), "image/svg+xml"),
        alt=f"Bars, {title}, in eV per ion, {', '.join(levels)}. {'; '.join(energies)}.",
        title=title,
        caption="by facet, site and ion",
        level=", ".join(levels),
        data=data_uri(table.text, "text/csv"),
        data_name=table.path.name,
        shape="wide",
    )


def _most_rows(results: Results) -> int:
    return min(1000, max(100, MOST_ROWS // max(1, len(results.runs))))


def _curves(panel: Panel, note: str) -> Picture:
    return Picture(
        src=data_uri(themed(draw_panel(panel)), "image/svg+xml"),
        alt=panel.alt,
        title=panel.title,
        caption=note,
        level=panel.level,
        data=data_uri(panel.csv, "text/csv"),
        data_name=f"{panel.name}.csv",
        shape="curves",
    )


def _contacts_in_words(run: Run, step: int) -> str:
    rows = run.contacts.where("step", str(step)).rows if run.contacts else []
    return " ".join(
        f"Half-way along the shortest {row['pair']} contact: {float(row['elf_midpoint']):.2f}." for row in rows
    )


def _nanodiamonds(results: Results) -> Iterator[Picture]:
    for item in results.structures:
        if set(item.check.fragments) == {"nd"}:
            yield _drawn(results, item, item.name, Scene(item.atoms, "side", by_neighbours(item.atoms)))


def _assemblies(results: Results) -> Iterator[Picture]:
    plan = Plan(results.config)
    for run in results.runs:
        start, _, level = plan.start_of(run.name).partition(".")
        ends = {
            "start": (start, level, "assembled" if level else "as built"),
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
        data_name=f"{item.name}-{item.state.replace(' ', '-')}.extxyz",
        shape="structure",
    )


def _as_xyz(atoms: Atoms) -> str:
    text = io.StringIO()
    ase.io.write(text, atoms, format="extxyz", write_results=False)
    return text.getvalue()
