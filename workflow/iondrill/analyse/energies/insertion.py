"""The energy of an ion between two layers, and what it costs to get there: no number from an unconverged part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.energies.parts import status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.engines.base import Result


@dataclass(frozen=True)
class Insertion:
    """One row of ``insertion.csv``: an ion at a distance of the layers.

    Parameters
    ----------
    flake, ion : str
        Names.
    gap_A : float
        Distance of the layers.
    places : sequence of Result
        From before the edge to the centre.
    clean, atom : Result
        The layers without the ion, and the free atom.
    """

    flake: str
    ion: str
    gap_A: float
    places: Sequence[Result]
    clean: Result
    atom: Result

    @property
    def level(self) -> str:
        """The level of theory."""
        return self.clean.level

    @property
    def status(self) -> str:
        """``converged``, or how many parts did not."""
        parts = [*self.places, self.clean, self.atom]
        failed = sum(part.status != "converged" for part in parts)
        if failed:
            return f"refused; {failed} of {len(parts)} single points did not converge"
        return status_of({str(number): part for number, part in enumerate(parts)})

    @property
    def profile_eV(self) -> list[float] | None:
        """E(layers with ion) − E(layers) − E(atom) at each place; None unless all converged."""
        if self.status != "converged":
            return None
        apart = float(self.clean.energy_eV or 0.0) + float(self.atom.energy_eV or 0.0)
        return [float(place.energy_eV or 0.0) - apart for place in self.places]

    @property
    def E_insertion_eV(self) -> float | None:
        """The energy at the centre of the flake."""
        return None if self.profile_eV is None else self.profile_eV[-1]

    @property
    def barrier_eV(self) -> float | None:
        """How much higher the way leads than any place before: the largest rise on the way in."""
        if self.profile_eV is None:
            return None
        way = np.array(self.profile_eV)
        return float((way - np.minimum.accumulate(way)).max())


INSERTION = TableForm[Insertion](
    "an ion between two layers that are held apart",
    (
        text("flake", "the flake"),
        text("ion", "the ion"),
        number("gap_A", "distance of the layers"),
        number(
            "E_insertion_eV",
            "E(layers with the ion at their centre) − E(layers) − E(atom), the layers flat. Empty unless all places "
            "converged, with one version of the engine",
            heading="E inserted",
        ),
        number("barrier_eV", "the largest rise of the energy on the way in", heading="barrier"),
        text("level", "level of theory"),
        text("status", "`converged`, or why there is no number"),
        text(
            "profile_eV",
            "the energies from before the edge to the centre, separated by spaces",
            lambda row: " ".join(f"{energy:.4f}" for energy in row.profile_eV or ()),
        ),
    ),
)
"""``insertion.csv``."""
