"""What the page's player needs of a run: its frames, small enough to be put into the page, and its curves."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import covalent_radii

from iondrill.analyse.tables import evenly
from iondrill.errors import UserError
from iondrill.geometry.bonds import BOND_SCALE
from iondrill.geometry.checks import COVALENT
from iondrill.report.figures.charts import order_panels
from iondrill.report.figures.drawing import by_element

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.report.data import Run
    from iondrill.report.figures.charts import Panel

    Floats = NDArray[np.float64]

RESOLUTION_A = 1e-3
"""Of positions; finer than a thermal step; 16 bits then reach 32 Å from the middle, more if coarser."""
DIGITS = 5
"""Significant digits of a curve in the page."""


def player_data(run: Run, trajectory: Path, level: str, most: int) -> dict[str, Any] | None:
    """Return frames and curves of a run for the page's script.

    Parameters
    ----------
    run : Run
        With its order parameters, a row for each frame of the trajectory.
    trajectory : Path
        ``md/<run>/trajectory.traj``.
    level : str
        Title of its level of theory.
    most : int
        Frames at most, evenly spaced, ends included.

    Returns
    -------
    dict or None
        For JSON: ``atoms`` (look and radius of each), ``frames`` (positions, see `pack`), ``step`` and ``time_fs`` of
        each frame, ``series`` (panels with a value for each frame). None if there is no trajectory.

    Raises
    ------
    UserError
        If the trajectory is damaged, or not the one of the order parameters.
    """
    if not trajectory.exists():
        return None
    chosen = evenly(len(run.order.rows), most)
    first, positions_A = _read_frames(trajectory, chosen, [int(run.order.rows[i]["step"]) for i in chosen])
    panels = order_panels(run, level, len(run.order.rows))
    geometric = [panel for panel in panels if panel.unit not in {"K", "eV"}]
    return {
        "run": run.name,
        "level": level,
        "frames": pack(positions_A),
        "atoms": looks(first),
        "bond_scale": BOND_SCALE,
        "step": [int(run.order.rows[i]["step"]) for i in chosen],
        "time_fs": [float(run.order.rows[i]["time_fs"]) for i in chosen],
        "of": len(run.order.rows),
        "series": [_series(panel, run, chosen) for panel in [*geometric, *(p for p in panels if p not in geometric)]],
    }


def pack(positions_A: Floats) -> dict[str, Any]:
    """Return positions (n_frames, n_atoms, 3) as text: base64 of little-endian 16-bit integers times ``scale_A``.

    They are counted from the middle of all positions; ``scale_A`` is 0.001 Å where 16 bits reach that far.
    """
    middle = (positions_A.min(axis=(0, 1)) + positions_A.max(axis=(0, 1))) / 2
    centred = positions_A - middle
    scale_A = max(RESOLUTION_A, float(np.abs(centred).max()) / 32767)
    steps = np.rint(centred / scale_A).astype("<i2")
    return {"scale_A": scale_A, "places": base64.b64encode(steps.tobytes()).decode(), "middle_A": middle.tolist()}


def _read_frames(path: Path, chosen: Sequence[int], steps: Sequence[int]) -> tuple[Atoms, Floats]:
    """Return the first frame with its labels, and the positions of the chosen ones."""
    from ase.io.trajectory import Trajectory

    try:
        with Trajectory(path) as frames:
            first, found = frames[0], [frames[i] for i in chosen]
            labels = (frames.description or {}).get("fragment")
    except Exception as error:  # noqa: BLE001  (ASE raises many kinds for a damaged file)
        raise UserError.of(path, f"cannot be read as a trajectory: {error}") from None
    if [atoms.info.get("step") for atoms in found] != list(steps):
        raise UserError.of(path, "holds other steps than the order parameters", "remedy: make both again from the run")
    if labels is not None:
        first.set_array("fragment", np.array(labels))
    return first, np.array([atoms.positions for atoms in found])


def looks(atoms: Atoms) -> list[dict[str, Any]]:
    """Return symbol, colour and its meaning, and radius of each atom for the page; ions do not bond and have none."""
    return [
        {
            "symbol": atom.symbol,
            "fill": colour.fill,
            "meaning": colour.meaning,
            "radius_A": float(covalent_radii[atom.number]) if atom.symbol in COVALENT else 0.0,
        }
        for atom, colour in zip(atoms, by_element(atoms), strict=True)
    ]


def _series(panel: Panel, run: Run, chosen: Sequence[int]) -> dict[str, Any]:
    """Return a panel with a value of each of its curves at each chosen frame."""
    times = run.order.numbers("time_fs")[list(chosen)]
    return {
        "title": panel.title,
        "unit": panel.unit,
        "alt": panel.alt,
        "curves": [
            {"label": label, "values": _rounded(np.interp(times, *curve))} for label, curve in panel.curves.items()
        ],
    }


def _rounded(values: Floats) -> list[float | None]:
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in values]
