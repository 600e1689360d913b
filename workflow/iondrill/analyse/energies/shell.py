"""Energies of shells of ions on a nanodiamond, and of mixing two kinds: no number from an unconverged part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.energies.parts import status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iondrill.engines.base import Result


@dataclass(frozen=True)
class Shell:
    """One row of ``shells.csv``.

    Parameters
    ----------
    cluster : str
        Name of its recipe.
    filling : mapping
        Number of ions of each element.
    combined, clean : Result
        The cluster with the ions, and without.
    atoms : mapping
        The free atom of each element.
    alone : mapping
        Of two kinds: the shell of as many ions of each kind alone.
    cohesion_eV : mapping
        Cohesive energy of each bulk metal that is known at this level.
    """

    cluster: str
    filling: Mapping[str, int]
    combined: Result
    clean: Result
    atoms: Mapping[str, Result]
    alone: Mapping[str, Result] = field(default_factory=dict)
    cohesion_eV: Mapping[str, float] = field(default_factory=dict)

    @property
    def ions(self) -> str:
        """The ions with their numbers: ``4Li 4Na``."""
        return " ".join(f"{n}{ion}" for ion, n in self.filling.items())

    @property
    def n(self) -> int:
        """Number of all ions."""
        return sum(self.filling.values())

    @property
    def status(self) -> str:
        """``converged``, or which part did not and why."""
        parts = {"with the ions": self.combined, "clean": self.clean}
        parts |= {f"atom {ion}": atom for ion, atom in self.atoms.items()}
        return status_of(parts)

    @property
    def E_per_ion_eV(self) -> float | None:
        """[E(cluster with ions) − E(cluster) − ΣE(atoms)] / n; None unless all parts converged."""
        with_ions, clean = self.combined.energy_eV, self.clean.energy_eV
        if self.status != "converged" or with_ions is None or clean is None:
            return None
        free = sum(n * float(self.atoms[ion].energy_eV or 0.0) for ion, n in self.filling.items())
        return (with_ions - clean - free) / self.n

    @property
    def E_per_ion_vs_metal_eV(self) -> float | None:
        """The same against the bulk metals; None where a cohesive energy is not known."""
        energy = self.E_per_ion_eV
        if energy is None or not set(self.filling) <= set(self.cohesion_eV):
            return None
        return energy + sum(n * self.cohesion_eV[ion] for ion, n in self.filling.items()) / self.n

    @property
    def E_mixing_eV_per_ion(self) -> float | None:
        """[E(mixed) − Σ x E(alone)] / n with x the share of each kind; None of one kind. Positive: they separate."""
        if len(self.filling) < 2 or status_of({"mixed": self.combined, **self.alone}) != "converged":
            return None
        apart = sum(n / self.n * float(self.alone[ion].energy_eV or 0.0) for ion, n in self.filling.items())
        return (float(self.combined.energy_eV or 0.0) - apart) / self.n


SHELLS = TableForm[Shell](
    "a nanodiamond with ions on it",
    (
        text("cluster", "the nanodiamond"),
        text("ions", "the ions with their numbers"),
        number("n", "number of all ions"),
        number(
            "E_per_ion_eV",
            "[E(cluster with ions) − E(cluster) − ΣE(atoms)]/n: negative, they are bound. Empty unless all parts "
            "converged, with one version of the engine",
            heading="E per ion",
        ),
        number(
            "E_per_ion_vs_metal_eV",
            "the same against the bulk metals, where their cohesive energies are known at this level: negative, the "
            "shell grows rather than metal",
            heading="against the metal",
        ),
        number(
            "E_mixing_eV_per_ion",
            "of two kinds, [E(mixed) − ΣxE(as many of one kind alone)]/n: positive, they separate",
            heading="mixing",
        ),
        text("level", "level of theory", lambda row: row.combined.level),
        text("status", "`converged`, or why there is no number"),
        number("n_ionic_steps", "steps of the relaxation with the ions", lambda row: row.combined.n_ionic_steps),
        number("core_s", "core seconds of the same", lambda row: row.combined.core_s),
    ),
)
"""``shells.csv``."""
