"""Energies of ions inside diamond, and the table of them: no number from an unconverged part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.energies.parts import status_of

if TYPE_CHECKING:
    from ase import Atoms

    from iondrill.engines.base import Result


@dataclass(frozen=True)
class Interstitial:
    """One row of ``interstitials.csv``.

    Parameters
    ----------
    crystal, ion, site : str
        Names.
    repeats : int
        Cubic cells along each edge.
    combined, clean, atom : Result
        The supercell with the ion, without it, and the free atom.
    relaxed : Atoms
        The supercell with the ion as its last atom.
    """

    crystal: str
    ion: str
    site: str
    repeats: int
    combined: Result
    clean: Result
    atom: Result
    relaxed: Atoms

    @property
    def parts(self) -> dict[str, Result]:
        """What the energy is made of."""
        return {"with the ion": self.combined, "clean": self.clean, "atom": self.atom}

    @property
    def status(self) -> str:
        """``converged``, or which part did not and why."""
        return status_of(self.parts)

    @property
    def E_interstitial_eV(self) -> float | None:
        """E(crystal with ion) − E(crystal) − E(atom); None unless all parts converged."""
        with_ion, clean, atom = (part.energy_eV for part in self.parts.values())
        if self.status != "converged" or with_ion is None or clean is None or atom is None:
            return None
        return with_ion - clean - atom

    @property
    def nearest_A(self) -> float | None:
        """Distance of the nearest C; None unless the supercell with the ion converged."""
        if self.combined.status != "converged":
            return None
        return float(self.relaxed.get_distances(-1, range(len(self.relaxed) - 1), mic=True).min())


INTERSTITIALS = TableForm[Interstitial](
    "an ion on an interstitial site of a supercell",
    (
        text("crystal", "the crystal"),
        text("ion", "the ion"),
        text("site", "`tetrahedral` or `hexagonal`"),
        number("repeats", "cubic cells along each edge: how dilute the ion is"),
        number(
            "E_interstitial_eV",
            "E(crystal with ion) − E(crystal) − E(atom), as E_ads on a facet: positive, it costs energy to be inside. "
            "Empty unless all three converged, with one version of the engine",
            heading="E inside",
        ),
        number("nearest_A", "distance of the nearest C", heading="nearest C"),
        text("level", "level of theory", lambda row: row.combined.level),
        text("status", "`converged`, or why there is no number"),
        number("n_ionic_steps", "steps of the supercell with the ion", lambda row: row.combined.n_ionic_steps),
        number("core_s", "core seconds of the supercell with the ion", lambda row: row.combined.core_s),
    ),
)
"""``interstitials.csv``."""
