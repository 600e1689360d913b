"""CP2K's log, ``job.out``: read line by line, also while it grows, and never trusted where it is cut or damaged."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree

from iondrill.engines.cp2k.charges import TableReader
from iondrill.engines.external import logs
from iondrill.engines.external.logs import number
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iondrill.engines.cp2k.charges import AtomicCharges, Scheme
    from iondrill.jobs.journal import Code

_EDGE = "Density non-zero on the"  # the rest of the warning is on its next line
_PHRASES = {
    "SCF run NOT converged": "unconverged",
    "outer SCF loop FAILED to converge": "unconverged",
    "exceeded requested execution time": "out_of_time",
    "terminated by external request": "stopped",
    "GEOMETRY OPTIMIZATION COMPLETED": "relaxed",
    "MAXIMUM NUMBER OF OPTIMIZATION STEPS REACHED": "gave_up",
    "PROGRAM ENDED AT": "ended",
}

_VERSION = re.compile(r"CP2K\| version string:\s+(\S.*\S)")
_CYCLE = re.compile(r"\s+\d+ (?:OT|Broy|Diag|P_Mix|Puls|Kerk|Mult|NoMix|DIIS)\S* .*\d\.\d+E?[-+]\d")
_CONVERGENCE = re.compile(r"\s(\d+\.\d{8})\s+-?\d+\.\d{10}\s")  # not of a step along OT's line
# 7.1 and before write "(a.u.):", 2023.1 "[a.u.]:", later versions "[hartree]", and free energy and gap on lines of
# their own
_ENERGY = re.compile(r"\s*ENERGY\| Total FORCE_EVAL \( \w+ \) energy [\[(](?:a\.u\.|hartree)[\])]:?\s+(\S+)\s*$")
_FORCE = re.compile(r"\s*(?:FORCES\|\s+\d+|\d+\s+\d+\s+[A-Z][a-z]?)((?:\s+\S+){3})(?:\s+\S+)?\s*$")
_GEOMETRY_STEP = re.compile(r"\s*(?:-+\s+Informations at step =|OPT\| Step number)\s+(\d+)")
_SPIN = re.compile(r"\s*Integrated absolute spin density\s*:\s+(\S+)\s*$")
_CORES = re.compile(r"\s*GLOBAL\| (?:Total number of message passing|Number of threads for this) process\w*\s+(\d+)")
_ART = re.compile(r"^\s*(?:\[ABORT\]|\\___/|O/\||/\| \||/ \\|\|)")  # of the man who says ABORT
_SOURCE = re.compile(r"\S+\.F:\d+$")


@dataclass
class Scf(logs.Scf):
    """One SCF, complete with its energy.

    Attributes
    ----------
    on_the_edge : bool
        Whether CP2K warned, of the last density, that it touches the faces of the box. That of a first guess may.
    tables : dict
        By scheme: the charges of the atoms, or what is wrong with their table.
    """

    on_the_edge: bool = False
    tables: dict[Scheme, AtomicCharges | UserError] = field(default_factory=dict)

    def charges_e(self, scheme: Scheme, symbols: Sequence[str], total_charge_e: float) -> NDArray[np.float64]:
        """Return the charges of the atoms, shape (n_atoms,); see `AtomicCharges.charges_e`.

        Raises
        ------
        UserError
            If CP2K printed none, their table is damaged, or they do not belong to this system.
        """
        table = self.tables.get(scheme)
        if table is None:
            raise UserError.of(f"{scheme} charges", "the log has none")
        if isinstance(table, UserError):
            raise table
        return table.charges_e(symbols, total_charge_e)


class Log(logs.Log[Scf]):
    """What CP2K's log says so far.

    Attributes
    ----------
    unconverged, out_of_time, gave_up : bool
        Whether an SCF did not converge; CP2K stopped for the wall time; a relaxation used up its steps.
    convergence : float
        Of the last SCF cycle that says it: CP2K compares it with EPS_SCF.
    spin_e : float
        Integral of the last spin density without its sign, electrons; NaN of an SCF that is not spin-polarised.
    geometry_step : int
        Last step of a relaxation.
    forces_eV_A : list of (x, y, z)
        The last that were printed: after a relaxation, those of the step before the energy is computed once more.
    abort : str
        What CP2K says when it aborts.
    """

    program = "CP2K"
    unconverged = False

    def __init__(self) -> None:
        super().__init__()
        self.out_of_time = self.gave_up = False
        self.convergence = math.inf
        self.spin_e = math.nan
        self.geometry_step = 0
        self.forces_eV_A: list[list[float]] = []
        self.abort = ""
        self._open = Scf()
        self._in_forces = False
        self._charges = TableReader()
        self._aborting = False
        self._warned = False

    def is_sound(self, scf: Scf) -> bool:
        """Say whether an SCF may feed a result: its density keeps off the faces of the box, too."""
        return scf.converged and not scf.on_the_edge

    @property
    def on_the_edge(self) -> bool:
        """Whether the density of an SCF that ended touches the faces of the box."""
        return any(scf.on_the_edge for scf in self.scf)

    @property
    def code(self) -> Code:
        """Say whether the density touches the faces of the box, and nothing worse happened."""
        return "density_on_edge" if self.on_the_edge and not self.unconverged else ""

    def take(self, line: str) -> None:
        """Take a whole line."""
        if table := self._charges.take(line):
            self._open.tables.update([table])
        if self._in_forces and self._force(line):
            return
        if _CYCLE.match(line):
            self.n_cycles += 1
            self._open.cycles += 1
            self._open.on_the_edge, self._warned = self._warned, False
            if found := _CONVERGENCE.search(line):
                self.convergence = number(found.group(1))
        elif found := _ENERGY.match(line):
            self._close(number(found.group(1)))
        elif found := _GEOMETRY_STEP.match(line):
            self.geometry_step = int(found.group(1))
        else:
            self._remark(line)

    def _remark(self, line: str) -> None:
        """Take note of the lines that say how things go."""
        if found := _VERSION.search(line):
            self.version = found.group(1)
        elif found := _SPIN.match(line):
            self.spin_e = number(found.group(1))
        elif found := _CORES.match(line):
            self.cores *= int(found.group(1))
        elif _EDGE in line:
            self._warned = True
        elif "SCF run converged in" in line:
            self._open.converged = True
        elif "[ABORT]" in line or self._aborting:
            self._take_abort(line)
        elif "ATOMIC FORCES in" in line or "FORCES| Atomic forces" in line:
            self.forces_eV_A, self._in_forces = [], True
        for phrase, name in _PHRASES.items():
            if phrase in line:
                setattr(self, name, True)

    def _force(self, line: str) -> bool:
        """Take a row of the forces; say whether the line belonged to them."""
        if found := _FORCE.match(line):
            self.forces_eV_A.append([number(word) * Hartree / Bohr for word in found.group(1).split()])
            return True
        self._in_forces = not self.forces_eV_A  # the head is still to come
        return False

    def _close(self, energy_Ha: float) -> None:
        """End an SCF: its energy is there."""
        scf, self._open = self._open, Scf()
        scf.on_the_edge, self._warned = scf.on_the_edge or self._warned, False
        scf.energy_eV = energy_Ha * Hartree
        scf.converged = scf.converged and not self.unconverged and math.isfinite(scf.energy_eV)
        self.scf.append(scf)
        self._in_forces = False

    def _take_abort(self, line: str) -> None:
        """Collect CP2K's words from the box of asterisks."""
        if line.strip().startswith("*****") or not line.strip():
            self._aborting = False
            return
        self._aborting = True
        words = _SOURCE.sub("", _ART.sub("", line.strip().strip("*")).strip()).strip()
        self.abort = f"{self.abort} {words}".strip()


def sound_forces(log: Log, n_atoms: int) -> NDArray[np.float64] | None:
    """Return the last forces, (n_atoms, 3), or None if they are not all there."""
    forces = np.array(log.forces_eV_A)
    return forces if forces.shape == (n_atoms, 3) and np.isfinite(forces).all() else None
