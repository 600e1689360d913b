"""GFN-xTB as an ASE calculator that counts its SCF cycles, recovers from a failed SCF and can be resumed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from ase.calculators.calculator import all_changes
from ase.units import Bohr, Hartree, kB

from iondrill.engines.embedded.calculator import EmbeddedCalculator, ScfNotConvergedError
from iondrill.engines.xtb.blas import bind
from iondrill.engines.xtb.parameters import method_of
from iondrill.files import replacing

bind()

from tblite.interface import Calculator as TbliteCalculator  # noqa: E402
from tblite.interface import Result as TbliteResult  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import XtbLevel

_CYCLE = re.compile(r"^\s*\d+\s+-?\d+\.\d+\s")


class _FileName(str):
    """The name of a file for tblite, which would take ASCII alone and gets it as the file system has it."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return os.fsencode(str(self))


DAMPING = {"molecule": 0.2, "cell": 0.4}
"""Share of the new charges in Broyden's first step: measured, bare nanodiamonds need a fifth fewer cycles at 0.2 than
at tblite's own 0.4, slabs with an alkali atom many times more."""


class Fallback(NamedTuple):
    """How the SCF is started; tried when the entry before has failed."""

    name: str
    restart: bool = False
    preheat: bool = False
    settings: tuple[tuple[str, float], ...] = ()


LADDER = (
    Fallback("start from the last wavefunction", restart=True),
    Fallback("start from superposed atoms"),
    Fallback("mixer of short memory", settings=(("mixer-damping", 0.1), ("mixer-memory", 20))),
    Fallback("start from hotter electrons", preheat=True, settings=(("mixer-damping", 0.1),)),
)
PREHEAT_K, PREHEAT_FACTOR = 1500.0, 2.0
"""Hotter electrons are so hot at least, and so many times as hot as the level's own: else they would be colder."""


class XtbCalculator(EmbeddedCalculator):
    """GFN1- or GFN2-xTB by tblite, molecules and periodic cells (Γ point).

    Parameters
    ----------
    level : XtbLevel
        Method, accuracy, electronic temperature, largest number of SCF cycles.
    charge : int
        Total charge, e.
    unpaired : int
        Number of unpaired electrons, N(α) − N(β).

    Notes
    -----
    Energies are electronic free energies (Bannwarth, Ehlert and Grimme, J. Chem. Theory Comput. 15, 1652 (2019)).
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "charges"]

    def __init__(self, level: XtbLevel, charge: int = 0, unpaired: int = 0) -> None:
        super().__init__()
        self.level = level
        self.charge = charge
        self.unpaired = unpaired
        self.wavefunction: TbliteResult | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute energy (eV), forces (eV/Å) and charges (e).

        Raises
        ------
        ScfNotConvergedError
            If no entry of `LADDER` converges.
        """
        super().calculate(atoms, list(properties), list(system_changes))
        if set(system_changes) - {"positions"}:
            self.wavefunction = None
        self.wavefunction = self._climb()
        self.results = {
            "energy": float(self.wavefunction["energy"]) * Hartree,
            "free_energy": float(self.wavefunction["energy"]) * Hartree,
            "forces": -self.wavefunction["gradient"] * Hartree / Bohr,
            "charges": np.array(self.wavefunction["charges"]),
        }

    def _climb(self) -> TbliteResult:
        """Try the entries of the ladder until one converges."""
        failure = ""
        for fallback in LADDER:
            if fallback.restart and self.wavefunction is None:
                continue
            try:
                result = self._singlepoint(fallback)
            except RuntimeError as error:
                failure = str(error).strip().splitlines()[-1] if str(error).strip() else "unknown failure"
                continue
            if failure:
                self.remarks.append(fallback.name)
            return result
        raise ScfNotConvergedError(f"SCF not converged by any of {len(LADDER)} ways to start it: {failure}")

    def _singlepoint(self, fallback: Fallback) -> TbliteResult:
        guess = self.wavefunction if fallback.restart else None
        if fallback.preheat:
            hot_K = max(PREHEAT_K, PREHEAT_FACTOR * self.level.electronic_temperature_K)
            guess = self.api(temperature_K=hot_K, settings=fallback.settings).singlepoint(None)
        return self.api(settings=fallback.settings).singlepoint(guess)

    def api(self, temperature_K: float | None = None, settings: Sequence[tuple[str, float]] = ()) -> TbliteCalculator:
        """Return tblite's own calculator for the present atoms, counting SCF cycles."""
        atoms = self.atoms
        api = TbliteCalculator(
            method_of(self.level),
            atoms.numbers,
            atoms.positions / Bohr,
            float(self.charge),
            self.unpaired,
            atoms.cell.array / Bohr if atoms.pbc.any() else None,
            atoms.pbc if atoms.pbc.any() else None,
            color=False,
            logger=self._count,
        )
        if self.level.spin_polarisation and self.unpaired:
            api.add("spin-polarization", 1.0)
        temperature = temperature_K or self.level.electronic_temperature_K
        options: dict[str, Any] = {
            "verbosity": 1,
            "accuracy": self.level.accuracy,
            "temperature": temperature * kB / Hartree,
            "max-iter": self.level.max_scf_cycles,
            "mixer-damping": DAMPING["cell" if atoms.pbc.any() else "molecule"],
            **dict(settings),
        }
        for key, value in options.items():
            api.set(key, value)
        return api

    def _count(self, line: str) -> None:
        self.n_scf_cycles += bool(_CYCLE.match(line))

    def save_guess(self, path: Path) -> None:
        """Write the wavefunction."""
        if self.wavefunction is None:
            raise ValueError("there is no wavefunction yet")
        with replacing(path) as temporary:
            self.wavefunction.save(_FileName(temporary))

    def load_guess(self, path: Path) -> bool:
        """Take a wavefunction; say whether its file can be read."""
        wavefunction = TbliteResult()
        try:
            wavefunction.load(_FileName(path))
        except RuntimeError:
            return False
        self.wavefunction = wavefunction
        return True
