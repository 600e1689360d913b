"""Where a relaxation or a single point stands: told from the log of its last attempt, or from the points it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.build.moving import largest_force_eV_A
from iondrill.engines.cp2k.attempt import LOG
from iondrill.engines.cp2k.output import Log as Cp2kLog
from iondrill.engines.vasp.inputs import species_order
from iondrill.engines.vasp.output import OUTCAR
from iondrill.engines.vasp.output import Log as VaspLog
from iondrill.engines.xtb.points import whole_points

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms


class Standing(NamedTuple):
    """Where a job stands.

    Attributes
    ----------
    step : int
        Ionic steps done, over all attempts.
    max_force_eV_A : float or None
        Largest force on an atom that may move, at the last geometry that was computed; None if there is none yet.
    scf_cycle : int
        Cycles of the SCF that has not ended; 0 where the engine keeps no log of it.
    pace_s : float or None
        Seconds for a geometry in the last attempt, the one that runs left out; None if it has computed none.
    """

    step: int = 0
    max_force_eV_A: float | None = None
    scf_cycle: int = 0
    pace_s: float | None = None


def standing(engine: str, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:
    """Return where a job stands.

    Parameters
    ----------
    engine : str
        Of its level.
    atoms : Atoms
        Its start geometry, with the atoms that are held.
    state : Path
        Its state folder.
    attempt : int
        Number of the last attempt, from 1 on.
    began : int
        Step that the last attempt went on from.
    wall_s : float
        Time it has taken.
    """
    folder = state / f"attempt-{attempt:03d}"
    if engine == "cp2k":
        log = Cp2kLog.read(folder / LOG)
        step = max(log.geometry_step, began)
        return _of_log(log, step, largest_force_eV_A(log.forces_eV_A, atoms), wall_s)
    if engine == "vasp":
        outcar = VaspLog.read(folder / OUTCAR)
        poscar = atoms[species_order(atoms.get_chemical_symbols())]
        # VASP counts the first geometry as a step
        return _of_log(outcar, began + len(outcar.scf), largest_force_eV_A(outcar.forces_eV_A, poscar), wall_s)
    for step, point in whole_points(state, _forces):
        done = step - began + (0 if began else 1)
        return Standing(step, largest_force_eV_A(point, atoms), 0, wall_s / done if done > 0 else None)
    return Standing(began)


def _of_log(log: Cp2kLog | VaspLog, step: int, force_eV_A: float | None, wall_s: float) -> Standing:
    """Return what a log says; the time of an SCF that has not ended goes by its share of the cycles."""
    done, pace_s = sum(scf.cycles for scf in log.scf), None
    if done and wall_s:
        pace_s = wall_s * done / log.n_cycles / len(log.scf)
    return Standing(step, force_eV_A, log.n_open_cycles, pace_s)


def _forces(path: Path) -> Any:
    with np.load(path) as point:
        return point["forces"]
