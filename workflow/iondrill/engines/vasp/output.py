"""What VASP writes: the OUTCAR line by line, also while it grows; the results by pymatgen, whole or not at all."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.engines.external import logs
from iondrill.engines.external.logs import number

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OUTCAR, OSZICAR, VASPRUN, CONTCAR, WAVECAR = "OUTCAR", "OSZICAR", "vasprun.xml", "CONTCAR", "WAVECAR"
ELFCAR, CHGCAR = "ELFCAR", "CHGCAR"
NEAR_eV = 1e-5

_VERSION = re.compile(r"\s*(vasp\.\d\S*)")
_CORES = re.compile(r"\s*running\s+(?:on\s+)?(\d+) (?:total cores|mpi-ranks(?:, with\s+(\d+) threads/rank)?)")
_CYCLE = re.compile(r"-+ Iteration\s+\d+\(\s*\d+\)")
# with two spaces, that of an ionic step; those of the electronic steps have one
_ENERGY = re.compile(r"\s*energy  without entropy\s*=\s*\S+\s+energy\(sigma->0\)\s*=\s*(\S+)")
_FORCE = re.compile(r"(?:\s+-?\d+\.\d+){3}((?:\s+-?\d+\.\d+){3})\s*$")


@dataclass
class Scf(logs.Scf):
    """One SCF, with the energy of its ionic step: for zero smearing, energy(sigma->0).

    Attributes
    ----------
    aborted : bool
        Whether it was cut short by a STOPCAR.
    """

    aborted: bool = False


class Log(logs.Log[Scf]):
    """What an OUTCAR says so far.

    Attributes
    ----------
    forces_eV_A : list of (x, y, z)
        The last that were printed, in the order of the POSCAR.
    """

    program = "VASP"

    def __init__(self) -> None:
        super().__init__()
        self.forces_eV_A: list[list[float]] = []
        self._open = Scf()
        self._in_forces = False

    @property
    def unconverged(self) -> bool:
        """Whether an SCF ran out of electronic steps. VASP continues with its forces."""
        return any(not scf.converged and not scf.aborted for scf in self.scf)

    def take(self, line: str) -> None:
        """Take a whole line."""
        if self._in_forces and self._force(line):
            return
        if _CYCLE.search(line):
            self.n_cycles += 1
            self._open.cycles += 1
        elif "aborting loop because EDIFF is reached" in line:
            self._open.converged = True
        elif "aborting loop because hard stop was set" in line:
            self._open.aborted = True
        elif found := _ENERGY.match(line):
            self._close(found.group(1))
        elif "TOTAL-FORCE (eV/Angst)" in line:
            self.forces_eV_A, self._in_forces = [], True
        else:
            self._remark(line)

    def _remark(self, line: str) -> None:
        """Take note of the lines that say how things go."""
        if "reached required accuracy" in line:
            self.relaxed = True
        elif "soft stop encountered" in line or "hard stop encountered" in line:
            self.stopped = True
        elif "General timing and accounting" in line:
            self.ended = True
        elif not self.version and (found := _VERSION.match(line)):
            self.version = found.group(1)
        elif found := _CORES.match(line):
            self.cores = int(found.group(1)) * int(found.group(2) or 1)

    def _force(self, line: str) -> bool:
        """Take a row of positions and forces; say whether the line belonged to them."""
        if found := _FORCE.match(line):
            self.forces_eV_A.append([number(word) for word in found.group(1).split()])
            return True
        self._in_forces = not self.forces_eV_A  # the rule below the head
        return False

    def _close(self, word: str) -> None:
        """End an ionic step: its energy is there."""
        scf, self._open = self._open, Scf()
        scf.energy_eV = number(word)
        scf.converged = scf.converged and math.isfinite(scf.energy_eV)
        self.scf.append(scf)


class IncompleteError(Exception):
    """A file of results is missing, cut or damaged."""


@dataclass(frozen=True)
class Results:
    """The last ionic step of a run that ended well.

    Attributes
    ----------
    energy_eV : float
        Extrapolated to zero smearing, energy(sigma->0): an atom, whose levels are sharp, and a slab, whose
        occupations are smeared, then have energies of one kind, and differences do not depend on SIGMA. It includes
        the dispersion.
    forces_eV_A : array (n, 3)
        In the order of the POSCAR.
    fractional : array (n, 3)
        The positions that they belong to.
    magnetisation_muB : float or None
        Of the cell.
    """

    energy_eV: float
    forces_eV_A: Array
    fractional: Array
    magnetisation_muB: float | None


def read_results(folder: Path, log: Log, symbols: list[str]) -> Results:
    """Read vasprun.xml and OSZICAR, and compare them with the OUTCAR.

    Parameters
    ----------
    folder : Path
        Of the run.
    log : Log
        Of its OUTCAR.
    symbols : list of str
        Elements in the order of the POSCAR.

    Raises
    ------
    IncompleteError
        If a file is missing or damaged, or two of them contradict each other.
    """
    run = _vasprun(folder, whole=True)
    try:
        last, energy_eV = run.ionic_steps[-1], float(run.final_energy)
        structure, forces = last["structure"], np.array(last["forces"], dtype=float)
    except (KeyError, IndexError, ValueError, TypeError):
        raise IncompleteError(f"{VASPRUN} lacks energy, forces or positions") from None
    if [site.species_string for site in structure] != symbols:
        raise IncompleteError(f"{VASPRUN} holds {structure.formula}")
    fractional = np.asarray(structure.frac_coords)
    if forces.shape != (len(symbols), 3) or not np.isfinite([forces, fractional]).all():
        raise IncompleteError(f"{VASPRUN} holds what are no forces or positions")
    if len(run.ionic_steps) != len(log.scf) or not abs(energy_eV - log.scf[-1].energy_eV) < NEAR_eV:
        raise IncompleteError(f"{VASPRUN} and {OUTCAR} differ in their steps or their last energy")
    return Results(energy_eV, forces, fractional, _magnetisation(folder, energy_eV))


def fractional_positions(folder: Path) -> list[Array]:
    """Return the positions of all ionic steps that are whole in vasprun.xml, also of a run that was killed."""
    try:
        return [np.asarray(step["structure"].frac_coords) for step in _vasprun(folder, whole=False).ionic_steps]
    except IncompleteError:
        return []


def _vasprun(folder: Path, *, whole: bool) -> Any:
    """Read vasprun.xml by pymatgen; it holds a step at least."""
    from pymatgen.io.vasp.outputs import Vasprun

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            run = Vasprun(
                folder / VASPRUN,
                parse_dos=False,
                parse_eigen=False,
                parse_potcar_file=False,
                exception_on_bad_xml=whole,
            )
        except Exception as error:  # noqa: BLE001 -- whatever a damaged file leads to
            raise IncompleteError(f"{VASPRUN} cannot be read ({type(error).__name__})") from None
    if not run.ionic_steps:
        raise IncompleteError(f"{VASPRUN} holds no ionic step")
    return run


def _magnetisation(folder: Path, energy_eV: float) -> float | None:
    """Return the magnetisation of the last ionic step from the OSZICAR, whose energy is that of the result."""
    from pymatgen.io.vasp.outputs import Oszicar

    try:
        last = Oszicar(folder / OSZICAR).ionic_steps[-1]
        found_eV, moment = float(last["E0"]), last.get("mag")
    except Exception as error:  # noqa: BLE001 -- whatever a damaged file leads to
        raise IncompleteError(f"{OSZICAR} cannot be read ({type(error).__name__})") from None
    # E0 has eight digits
    if not abs(found_eV - energy_eV) < NEAR_eV + 1e-7 * abs(energy_eV):
        raise IncompleteError(f"{OSZICAR} and {VASPRUN} differ in the last energy")
    return None if moment is None else float(moment)
