"""What the page shows of a run's electron localisation: maps, profiles, new bonds, surfaces in 3D."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.analyse.dynamics.charges import CHARGES, FRAGMENTS
from iondrill.analyse.elf.grid import read_elf_grid
from iondrill.analyse.elf.lines import BONDS, NEW_BOND, PROFILES
from iondrill.analyse.tables import evenly
from iondrill.geometry.bonds import BOND_SCALE
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan
from iondrill.report.data import gathered, marked
from iondrill.report.figures.charts import CONTACT_WORDS
from iondrill.report.figures.svg import OKABE_ITO, STYLE, canvas, data_uri, themed, to_svg
from iondrill.report.sections.charge_transfer import transfer_picture
from iondrill.report.sections.elf_maps import difference_pictures, map_pictures
from iondrill.report.sections.pictures import Picture, contact_picture
from iondrill.report.sections.player import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from iondrill.analyse.tables import Table
    from iondrill.errors import Problem
    from iondrill.report.data import Results, Run

MOST_SURFACES = 12
"""In all runs together; each is up to 250 kB."""
MOST_PROFILES = 6
"""Frames drawn in a plot of profiles."""
PROFILE_IN = (4.3, 2.6)


def localisation(results: Results, run: Run, problems: list[Problem]) -> dict[str, Any]:
    """Return what the template needs of a run that has maps; what cannot be read is added to the problems."""
    folder = Path(results.config.results) / "elf" / run.name
    level = results.title_of(results.config.elf.level)
    profiles, bonds, transfer, surfaces = None, None, None, list[dict[str, Any]]()
    charges = list[dict[str, Any]]()
    with gathered(problems):
        profiles = _profiles(run, folder / "profiles.csv", level)
    if run.maps and (folder / "bonds.csv").exists():
        with gathered(problems):
            rows = BONDS.read(folder / "bonds.csv").rows
            bonds = [row | {"first": f"{row['first']}–{row['second']}"} for row in rows]
    with gathered(problems):
        charges = _charges(run, folder / "charges.csv")
    with gathered(problems):
        transfer = transfer_picture(results, run)
    with gathered(problems):
        surfaces = _surfaces(results, run, level)
    return {
        "run": run,
        "level": level,
        "events": [f"{marked(one.event, run.verification)}: {one.where}" for one in run.events],
        "charges": charges,
        "fragments": [name for name in FRAGMENTS if any(name in row for row in charges)],
        "frames": map_pictures(results, run, problems),
        "differences": difference_pictures(results, run, problems),
        "transfer": transfer,
        "panel": contact_picture(results, run),
        "profiles": profiles,
        "rows": [row | {"pair": CONTACT_WORDS.get(row["pair"], row["pair"])} for row in _contacts(run)],
        "bonds": bonds,
        "surfaces": surfaces,
    }


def draw_profiles(table: Table) -> str:
    """Return profiles as SVG: a plot for each kind of contact, a curve for each of some frames, from blue to yellow.

    Parameters
    ----------
    table : Table
        ``profiles.csv``, with at least one row.
    """
    from matplotlib import rc_context

    kinds = list(dict.fromkeys(row["pair"] for row in table.rows))
    rows = -(-len(kinds) // 2)
    with rc_context(STYLE):
        figure, axes = canvas(rows, 2, (2 * PROFILE_IN[0], rows * PROFILE_IN[1]))
        for ax, kind in zip(axes, kinds, strict=False):
            _draw_kind(ax, table.where("pair", kind), kind)
        for ax in axes[len(kinds) :]:
            ax.set_axis_off()
        return to_svg(figure)


def _draw_kind(axes: Axes, table: Table, kind: str) -> None:
    from matplotlib import colormaps

    steps = list(dict.fromkeys(row["step"] for row in table.rows))
    chosen = [steps[i] for i in evenly(len(steps), MOST_PROFILES)]
    for k, step in enumerate(chosen):
        frame = table.where("step", step)
        colour = colormaps["cividis"](0.3 + 0.55 * k / max(1, len(chosen) - 1))
        label = f"{float(frame.rows[0]['time_fs']):g} fs, {float(frame.rows[0]['distance_A']):.2f} Å"
        for atoms in dict.fromkeys((row["first"], row["second"]) for row in frame.rows):
            line = frame.where("first", atoms[0]).where("second", atoms[1])
            places_A = line.numbers("position_A")
            axes.plot(places_A - places_A[-1] / 2, line.numbers("elf"), color=colour, lw=1.3, label=label)
            label = "_"  # one entry for each frame
    axes.set(ylim=(0, 1.02), xlabel="from half-way between the nuclei (Å)", ylabel="ELF")
    axes.set_title("bonds of nanodiamond and flake" if kind == NEW_BOND else CONTACT_WORDS.get(kind, kind))
    axes.axvline(0, color=OKABE_ITO[1], lw=0.6, ls=":")
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1), handlelength=1.2)


def _contacts(run: Run) -> list[dict[str, str]]:
    return run.contacts.rows if run.contacts else []


def _charges(run: Run, path: Path) -> list[dict[str, Any]]:
    """Return the charges of the fragments of each mapped frame, where its run has none or frames of events."""
    if not path.exists() or (run.charges.rows and not run.events):
        return []
    frames: dict[tuple[str, str], dict[str, Any]] = {}
    for row in CHARGES.read(path).rows:
        said = frames.setdefault((row["time_fs"], row["scheme"]), {"time_fs": row["time_fs"], "scheme": row["scheme"]})
        said[row["fragment"]] = row["charge_e"]
    return list(frames.values())


def _profiles(run: Run, path: Path, level: str) -> Picture | None:
    if not path.exists():
        return None
    table = PROFILES.read(path)
    if not table.rows:
        return None
    middles = {row["pair"]: row for row in _contacts(run)}
    words = (f"{pair}: {float(row['elf_midpoint']):.2f} half-way at the end" for pair, row in middles.items())
    return Picture(
        src=data_uri(themed(draw_profiles(table)), "image/svg+xml"),
        alt=f"ELF along the lines between atoms that touch, in run {run.name}, {level}. {'; '.join(words)}.",
        title="ELF along the contacts",
        caption="from nucleus to nucleus; the first frame is dark, the last light",
        level=level,
        data=data_uri(table.text, "text/csv"),
        data_name=f"{run.name}-elf-profiles.csv",
        shape="wide",
        files=(path,),
    )


def _surfaces(results: Results, run: Run, level: str) -> list[dict[str, Any]]:
    """Return the frames whose ELF is known in space, for the page's script."""
    plan = Plan(results.config)
    planned = {str(frame): frame for frame in plan.elf.isosurfaces(run.name)}
    frames = [frame for frame in run.maps if frame.name in planned]
    found = []
    for frame in (frames[i] for i in evenly(len(frames), max(1, MOST_SURFACES // len(results.runs)))):
        path = frame.image.with_suffix(".grid.npz")
        structure = plan.folder(plan.elf.of_frame(run.name, planned[frame.name])) / "structure.extxyz"
        if path.exists() and structure.exists():
            grid, atoms = read_elf_grid(path), read_structure(structure)
            middle_A = atoms.positions.mean(axis=0)
            found.append(
                {
                    "time_fs": frame.time_fs,
                    "level": level,
                    "atoms": looks(atoms),
                    "bond_scale": BOND_SCALE,
                    "positions_A": np.round(atoms.positions - middle_A, 3).ravel().tolist(),
                    "origin_A": (grid.origin_A - middle_A).tolist(),
                    "spacing_A": grid.spacing_A,
                    "shape": grid.elf.shape,
                    "elf": base64.b64encode(grid.elf.tobytes()).decode(),
                }
            )
    return found
