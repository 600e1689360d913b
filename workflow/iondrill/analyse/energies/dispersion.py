"""What the dispersion correction D4 takes an ion for: a bound one, or a free atom."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase.units import Bohr

if TYPE_CHECKING:
    from ase import Atoms

FREE_SHARE = 0.25
"""An ion with more than this share of the free atom's C6 counts as free in D4. Bound ones have less than 0.07, and in
between lies a step: that of Na is half done at a coordination number of 0.4, 0.3 Å of height after it has begun."""


class IonDispersion(NamedTuple):
    """Coordination number and C6 (Eh·bohr⁶) of an ion in D4; of several ions the one with the largest C6."""

    coordination: float
    C6_au: float
    free_like: bool


def ion_dispersion(geometry: Atoms) -> IonDispersion:
    """Return what D4 takes the ions of a slab for.

    Coordination number and C6 as published, with charges by electronegativity equilibration. GFN2 itself puts its own
    charges instead, and the weights of the coordination number, in which the step lies, are the same.

    Parameters
    ----------
    geometry : Atoms
        Slab and ions, fragment "adsorbate".

    References
    ----------
    E. Caldeweyher et al., J. Chem. Phys. 150, 154122 (2019); Phys. Chem. Chem. Phys. 22, 8499 (2020).
    """
    ions = np.flatnonzero(geometry.arrays["fragment"] == "adsorbate")
    found = _properties(geometry)
    C6_au = np.diag(found["c6 coefficients"])
    worst = int(ions[np.argmax(C6_au[ions])])
    free = C6_au[worst] > FREE_SHARE * free_C6_au(geometry.symbols[worst])
    return IonDispersion(float(found["coordination numbers"][worst]), float(C6_au[worst]), bool(free))


@cache
def free_C6_au(symbol: str) -> float:
    """Return C6 of a free atom in D4, Eh·bohr⁶."""
    from ase import Atoms

    return float(_properties(Atoms(symbol))["c6 coefficients"][0, 0])


def _properties(atoms: Atoms) -> dict[str, Any]:
    """Return coordination numbers, charges, C6 and polarisabilities in D4."""
    from dftd4.interface import DispersionModel

    cell = {"lattice": atoms.cell.array / Bohr, "periodic": np.array(atoms.pbc)} if atoms.pbc.any() else {}
    found: dict[str, Any] = DispersionModel(atoms.numbers, atoms.positions / Bohr, charge=0.0, **cell).get_properties()
    return found
