"""The maps of a run in the page, and their data: what lies on the plane of insertion, frame by frame."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from iondrill.analyse.elf.difference import read_difference_map
from iondrill.analyse.elf.formula import RHO_MASK
from iondrill.analyse.elf.map import read_elf_map
from iondrill.analyse.tables import evenly
from iondrill.engines.folder import STRUCTURE
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan
from iondrill.report.data import gathered
from iondrill.report.figures.difference_map import COLOURS, UNIT
from iondrill.report.figures.elf_map import PAPER, SAFE, scale, shown
from iondrill.report.figures.svg import data_uri, themed
from iondrill.report.figures.themed_map import draw_themed_map
from iondrill.report.sections.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from iondrill.analyse.density.plane import Plane
    from iondrill.analyse.elf.difference import DifferenceMap
    from iondrill.analyse.elf.map import ElfMap
    from iondrill.errors import Problem
    from iondrill.report.data import ElfFrame, Results, Run

MOST_MAPS = 60
"""Shown in all runs together: they keep the page small."""


def map_pictures(results: Results, run: Run, problems: list[Problem]) -> list[Picture]:
    """Return the maps of the ELF, some where there are too many; what cannot be read is reported."""
    level, pictures = results.title_of(results.config.elf.level), list[Picture]()
    for frame in _chosen(results, run):
        with gathered(problems):
            elf_map, atoms = read_elf_map(frame.image.with_suffix(".npz")), _atoms(results, run, frame)
            what = f"ELF, run {run.name}, {frame.time_fs:g} fs, {level}; empty where the density is below 0.001 bohr^-3"
            where = f"of run {run.name} at {frame.time_fs:g} fs, {level}"
            words = f"colours from blue (0) to red (1). {_contacts_in_words(run, frame.step)}"
            picture = Picture(
                src=_drawn(elf_map, atoms, PAPER),
                alt=f"Map of the electron localisation function {where}: {words}",
                title=f"{frame.time_fs:g} fs",
                caption=_caption(frame),
                level=level,
                data=data_uri(map_csv(elf_map.plane, shown(elf_map).filled(np.nan), what, "%.3f"), "application/gzip"),
                data_name=f"{run.name}-{frame.step}-elf.csv.gz",
                shape="map",
                files=(frame.image, frame.image.with_suffix(".npz")),
                safe=_drawn(elf_map, atoms, SAFE),
            )
            pictures.append(picture)
    return pictures


def difference_pictures(results: Results, run: Run, problems: list[Problem]) -> list[Picture]:
    """Return the maps of the density difference, as many as of the ELF; none where there are none."""
    level, pictures = results.title_of(results.config.elf.level), list[Picture]()
    for frame, image in difference_frames(results, run):
        with gathered(problems):
            gain = read_difference_map(image.with_suffix(".npz"))
            what = f"density difference in electrons/bohr^3, run {run.name}, {frame.time_fs:g} fs, {level}"
            picture = Picture(
                src=_drawn_difference(gain, _atoms(results, run, frame)),
                alt=f"Map of what the electron density of run {run.name} gains (red) and loses (blue) at "
                f"{frame.time_fs:g} fs as nanodiamond and flake meet, {level}",
                title=f"{frame.time_fs:g} fs",
                caption=_caption(frame),
                level=level,
                data=data_uri(map_csv(gain.plane, gain.difference, what, "%.3g"), "application/gzip"),
                data_name=f"{run.name}-{frame.step}-difference.csv.gz",
                shape="map",
                files=(image, image.with_suffix(".npz")),
            )
            pictures.append(picture)
    return pictures


def difference_frames(results: Results, run: Run) -> Iterator[tuple[ElfFrame, Path]]:
    """Yield the frames whose density difference was mapped, each with its picture."""
    for frame in _chosen(results, run):
        image = frame.image.with_suffix(".difference.png")
        if image.exists() and image.with_suffix(".npz").exists():
            yield frame, image


def map_csv(plane: Plane, values: NDArray[np.float64], what: str, form: str) -> bytes:
    """Return a map as compressed CSV: a row for each z, a column for each x, after a line on what it is.

    Parameters
    ----------
    plane : Plane
        Its axes along x and z.
    values : array (n_x, n_z)
        NaN becomes an empty cell.
    what : str
        What the values are, and their level of theory.
    form : str
        Format of a value.
    """
    x_A = plane.origin_A[0] + plane.axes_A[0, 0] * np.arange(plane.shape[0])
    z_A = plane.origin_A[2] + plane.axes_A[1, 2] * np.arange(plane.shape[1])
    lines = [f"# {what}", ",".join(["z_A/x_A", *(f"{x:.3f}" for x in x_A)])]
    lines += [
        ",".join([f"{z:.3f}", *("" if np.isnan(value) else form % value for value in row)])
        for z, row in zip(z_A, values.T.tolist(), strict=True)
    ]
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


def _chosen(results: Results, run: Run) -> list[ElfFrame]:
    """Return the frames of events, and of all as many evenly spaced ones as the page has room for."""
    shown = evenly(len(run.maps), max(2, MOST_MAPS // len(results.runs)))
    return [frame for k, frame in enumerate(run.maps) if k in shown or frame.events]


def _drawn(elf_map: ElfMap, atoms: Atoms, colours: str) -> str:
    """Return a map as a data URI."""
    svg = draw_themed_map(elf_map.plane, elf_map.elf, elf_map.rho / RHO_MASK, scale(colours), atoms)
    return data_uri(themed(svg), "image/svg+xml")


def _drawn_difference(gain: DifferenceMap, atoms: Atoms) -> str:
    """Return a map as a data URI; the page shows through where the density stays as it is."""
    everywhere = np.full_like(gain.difference, np.inf)
    svg = draw_themed_map(gain.plane, gain.difference / UNIT, everywhere, COLOURS, atoms)
    return data_uri(themed(svg), "image/svg+xml")


def _atoms(results: Results, run: Run, frame: ElfFrame) -> Atoms:
    """Return the atoms of a frame; none where its job is not there."""
    plan = Plan(results.config)
    planned = {str(each): each for each in plan.elf.frames(run.name)}
    path = plan.folder(plan.elf.of_frame(run.name, planned.get(frame.name, frame.step))) / STRUCTURE
    return read_structure(path) if path.exists() else Atoms()


def _caption(frame: ElfFrame) -> str:
    return ", ".join([f"step {frame.step}", *frame.events])


def _contacts_in_words(run: Run, step: int) -> str:
    rows = run.contacts.where("step", str(step)).rows if run.contacts else []
    return " ".join(
        f"Half-way along the shortest {row['pair']} contact: {float(row['elf_midpoint']):.2f}." for row in rows
    )
