"""A finished single point on a frame, read back; and the plane on which all frames of its run are mapped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.elf import Plane
from iondrill.analyse.wavefunction import read_molden
from iondrill.build.checks import read_structure
from iondrill.engines.base import read_converged
from iondrill.engines.molden import MOLDEN
from iondrill.prepare.start import frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms

    from iondrill.analyse.wavefunction import Wavefunction


def read_point(result: str, structure: str) -> tuple[Wavefunction, Atoms]:
    """Return the wavefunction of a single point, in the frame of its structure, and the structure.

    Parameters
    ----------
    result, structure : str
        Files of the job's folder. The wavefunction stands beside them.

    Raises
    ------
    UserError
        If the job did not converge, or a file is missing or damaged.
    """
    read_converged(Path(result))
    atoms = read_structure(Path(structure))
    return read_molden(Path(result).with_name(MOLDEN)).moved_to(atoms), atoms


def plane_of_run(atoms: Atoms, trajectory: str, steps: Iterable[int], *, margin_A: float, spacing_A: float) -> Plane:
    """Return the plane of insertion through the middle of a frame's flake, of one size for all frames of the run.

    Parameters
    ----------
    atoms : Atoms
        The frame.
    trajectory : str
        Of the run.
    steps : iterable of int
        The frames that are mapped.
    margin_A, spacing_A : float
        See `Plane.of_insertion`.
    """
    positions_A = np.array([frame(Path(trajectory), step, atoms).positions for step in steps])
    middle = atoms.positions[atoms.arrays["fragment"] != "nd"].mean(axis=0)
    return Plane.of_insertion(positions_A, middle, margin_A=margin_A, spacing_A=spacing_A)
