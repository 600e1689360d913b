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
from iondrill.report.figures.charts import FRAGMENTS, order_panels
from iondrill.report.figures.drawing import by_element

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.report.data import Run
    from iondrill.report.figures.charts import Panel

    Floats = NDArray[np.float64]

RESOLUTION_A, RESOLUTION_E = 1e-3, 1e-3
"""Of positions; finer than a thermal step; 16 bits then reach 32 Å from the middle, more if coarser. Of charges."""
DIGITS = 5
"""Significant digits of a curve in the page."""


def player_data(
    run: Run, trajectory: Path, level: str, most: int, events_fs: Sequence[float] = ()
) -> dict[str, Any] | None:
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
        Frames at most, ends included: see `thinned`.
    events_fs : sequence of float, optional
        When events begin.

    Returns
    -------
    dict or None
        For JSON: ``atoms`` (look, fragment and radius of each), ``frames`` (positions, see `pack`), ``charges`` (see
        `pack_charges`; None where the frames carry none), ``step`` and ``time_fs`` of each frame, ``series`` (panels
        with a value for each frame). None if there is no trajectory.

    Raises
    ------
    UserError
        If the trajectory is damaged, or not the one of the order parameters.
    """
    if not trajectory.exists():
        return None
    chosen = thinned(run.order.numbers("time_fs"), most, events_fs)
    first, found = read_frames(trajectory, chosen, [int(run.order.rows[i]["step"]) for i in chosen])
    panels = order_panels(run, level, len(run.order.rows))
    geometric = [panel for panel in panels if panel.unit not in {"K", "eV"}]
    return {
        "run": run.name,
        "level": level,
        "frames": pack(np.array([atoms.positions for atoms in found])),
        "charges": pack_charges(found),
        "atoms": looks(first),
        "bond_scale": BOND_SCALE,
        "step": [int(run.order.rows[i]["step"]) for i in chosen],
        "time_fs": [float(run.order.rows[i]["time_fs"]) for i in chosen],
        "of": len(run.order.rows),
        "series": [_series(panel, run, chosen) for panel in [*geometric, *(p for p in panels if p not in geometric)]],
    }


def thinned(times_fs: Floats, most: int, events_fs: Sequence[float] = ()) -> list[int]:
    """Return which frames of a run the page holds: half of them evenly spaced, the others around its events.

    Parameters
    ----------
    times_fs : array (n,)
        Of all frames, rising.
    most : int
        Frames at most; ends and the frames of events are among them.
    events_fs : sequence of float, optional
        When events begin; without any all frames are evenly spaced.

    Returns
    -------
    list of int
        Rising; all n where there are no more than `most`.
    """
    n = len(times_fs)
    if n <= most or not len(events_fs):
        return list(evenly(n, most))
    kept = set(evenly(n, max(2, most // 2)))
    events = sorted({int(np.abs(times_fs - time_fs).argmin()) for time_fs in events_fs})
    nearest = np.abs(np.subtract.outer(np.arange(n), events)).min(axis=1)
    for frame in np.argsort(nearest, kind="stable").tolist():
        if len(kept) >= most:
            break
        kept.add(frame)
    return sorted(kept)


def pack(positions_A: Floats) -> dict[str, Any]:
    """Return positions (n_frames, n_atoms, 3) as text: base64 of little-endian 16-bit integers times ``scale_A``.

    They are counted from the middle of all positions; ``scale_A`` is 0.001 Å where 16 bits reach that far.
    """
    middle = (positions_A.min(axis=(0, 1)) + positions_A.max(axis=(0, 1))) / 2
    centred = positions_A - middle
    scale_A = max(RESOLUTION_A, float(np.abs(centred).max()) / 32767)
    return {"scale_A": scale_A, "places": _packed(centred / scale_A), "middle_A": middle.tolist()}


def pack_charges(frames: Sequence[Atoms]) -> dict[str, Any] | None:
    """Return the charges of the atoms as text, integers times ``scale_e`` as in `pack`; None where a frame has none."""
    found = [atoms.calc.results.get("charges") if atoms.calc else None for atoms in frames]
    if any(charges is None for charges in found):
        return None
    charges_e = np.array(found, dtype=float)
    scale_e = max(RESOLUTION_E, float(np.abs(charges_e).max()) / 32767)
    return {"scale_e": scale_e, "values": _packed(charges_e / scale_e)}


def _packed(values: Floats) -> str:
    return base64.b64encode(np.rint(values).astype("<i2").tobytes()).decode()


def read_frames(path: Path, chosen: Sequence[int], steps: Sequence[int]) -> tuple[Atoms, list[Atoms]]:
    """Return the first frame of a trajectory with its labels, and the chosen ones.

    Parameters
    ----------
    path : Path
        ``md/<run>/trajectory.traj``.
    chosen : sequence of int
        Numbers of frames.
    steps : sequence of int
        The steps that they have to be of.

    Raises
    ------
    UserError
        If it cannot be read, or holds other steps.
    """
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
    return first, found


def looks(atoms: Atoms) -> list[dict[str, Any]]:
    """Return symbol, fragment, colour with its meaning, and radius of each atom; ions do not bond and have none."""
    fragments = atoms.arrays.get("fragment", np.full(len(atoms), "")).tolist()
    return [
        {
            "symbol": atom.symbol,
            "fill": colour.fill,
            "meaning": colour.meaning,
            "fragment": FRAGMENTS.get(fragment, fragment),
            "radius_A": float(covalent_radii[atom.number]) if atom.symbol in COVALENT else 0.0,
        }
        for atom, colour, fragment in zip(atoms, by_element(atoms), fragments, strict=True)
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
