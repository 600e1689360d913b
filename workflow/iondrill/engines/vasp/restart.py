"""What an attempt leaves for the next one: positions and orbitals, taken only when they are whole."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from iondrill.engines.vasp.output import CONTCAR, WAVECAR, fractional_positions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from iondrill.engines.vasp.output import Log

    Array = NDArray[np.float64]

TAGS = {45200, 45210, 53300, 53310}
"""Of the precisions that VASP writes orbitals in."""


def read_contcar(path: Path, symbols: list[str], cell_A: Array) -> Array | None:
    """Return fractional positions (n, 3), or None if the file is missing, cut, or not of these atoms and this cell."""
    from pymatgen.io.vasp.inputs import Poscar

    try:
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            poscar = Poscar.from_str(text, read_velocities=False)
        structure = poscar.structure
    except Exception:  # noqa: BLE001 -- whatever a damaged file leads to
        return None
    found = np.asarray(structure.frac_coords)
    # the last number of the last atom may be cut
    if text.count("\n") < 8 + (poscar.selective_dynamics is not None) + len(structure):
        return None
    same = [site.species_string for site in structure] == symbols
    same = same and np.allclose(structure.lattice.matrix, cell_A, atol=1e-6)
    return found if same and np.isfinite(found).all() else None


def next_positions(folder: Path, log: Log, symbols: list[str], cell_A: Array) -> Array | None:
    """Return the fractional positions to resume from, in the order of the POSCAR, or None to start as this run did.

    Parameters
    ----------
    folder : Path
        Of the attempt.
    log : Log
        Of its OUTCAR.
    symbols, cell_A : list of str, array (3, 3)
        As in the POSCAR.

    Returns
    -------
    array (n, 3) or None
        The CONTCAR holds where the next step was to be. If that came from a step whose SCF did not converge, or the
        file is torn, then the last positions of vasprun.xml that came from a sound one.
    """
    if log.n_sound == 0:
        return None
    if log.n_sound == len(log.scf) and (found := read_contcar(folder / CONTCAR, symbols, cell_A)) is not None:
        return found
    steps = fractional_positions(folder)[: log.n_sound + 1]
    return steps[-1] if steps and steps[-1].shape == (len(symbols), 3) and np.isfinite(steps[-1]).all() else None


def is_whole(path: Path) -> bool:
    """Say whether a WAVECAR has the length that its head gives.

    It consists of records of one length: two of the head, and for each spin and k-point one, and one for each band
    (VASP manual, "WAVECAR").
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length, n_spins, tag = np.fromfile(file, dtype="<f8", count=3)
            file.seek(int(length))
            n_kpoints, n_bands = np.fromfile(file, dtype="<f8", count=2)
    except (OSError, ValueError, OverflowError):
        return False
    records = 2 + n_spins * n_kpoints * (1 + n_bands)
    return bool(tag in TAGS and n_kpoints > 0 and n_bands > 0 and size == length * records)


def wavefunction(folder: Path) -> Path | None:
    """Return the orbitals of an attempt, if they are whole."""
    return path if is_whole(path := folder / WAVECAR) else None
