"""What mixed ions save of the cost of raw materials: Eq. 1 of Sun et al. 2024."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iondrill.config.base import PositiveFloat, PositiveInt, Strict
from iondrill.config.load import load
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Material(Strict):
    """A raw material of an ion; see ``raw_materials.yaml``."""

    formula: str
    metal_per_formula: PositiveInt
    price_per_mass: PositiveFloat
    source: str

    def price_per_mole(self, price_per_mass: float) -> float:
        """Return the price of a mole of metal, in the currency and unit of mass of the price, times 10⁻³ kg."""
        from ase.data import atomic_masses, atomic_numbers
        from ase.formula import Formula

        mass = sum(n * atomic_masses[atomic_numbers[symbol]] for symbol, n in Formula(self.formula).count().items())
        return float(price_per_mass * mass / self.metal_per_formula)


class Materials(Strict):
    """What ``raw_materials.yaml`` holds."""

    Li: Material
    Na: Material


class Saving(NamedTuple):
    """What a mixture of raw materials saves: a share of the cost of the reference."""

    by_mass: float
    by_mole: float


def materials() -> Materials:
    """Return the raw materials of lithium and sodium, with the paper's prices as far as they are known."""
    return load(Materials, Path(__file__).with_name("raw_materials.yaml"))


def saving(x: float, y: float = 0.0, prices: Mapping[str, float] | None = None) -> Saving:
    """Return how much of the cost of raw materials a mixture saves.

    1 − c(x)/c(y) with c(x) = (1 − x) p_Li + x p_Na, once with prices and shares by mass of the raw materials and
    once by mole of metal.

    Parameters
    ----------
    x : float
        Share of sodium, 0 to 1.
    y : float
        Share of sodium in what it is compared with.
    prices : mapping, optional
        Of Li and Na, for equal masses of their raw materials in any one currency; by default ``raw_materials.yaml``.

    Raises
    ------
    UserError
        If a share is not between 0 and 1, or a price is not positive.
    """
    for name, share in (("x", x), ("y", y)):
        if not 0 <= share <= 1:
            raise UserError.of(name, f"found {share:g}", "allowed: a share of sodium, 0 to 1")
    known = materials()
    mass = {"Li": known.Li.price_per_mass, "Na": known.Na.price_per_mass, **(prices or {})}
    for ion, price in mass.items():
        if not price > 0:
            raise UserError.of(f"price of {ion}", f"found {price:g}", "allowed: a positive number")
    mole = {"Li": known.Li.price_per_mole(mass["Li"]), "Na": known.Na.price_per_mole(mass["Na"])}
    return Saving(*(1 - _cost(x, prices) / _cost(y, prices) for prices in (mass, mole)))


def _cost(sodium: float, prices: Mapping[str, float]) -> float:
    return (1 - sodium) * prices["Li"] + sodium * prices["Na"]
