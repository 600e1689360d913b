"""What results there are for the claims, as plain tables, and how far each level and run can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Row = Mapping[str, Any]
Rows = Sequence[Row]

TRUSTED_EV = 0.15
"""Energies at a level that differ from those of the reference by no more, on three rows or more, are verified."""
LEAST_ROWS = 3


class Standing(NamedTuple):
    """What a level is.

    Attributes
    ----------
    title : str
        In words.
    kind : str
        ``reference``: density-functional theory itself; ``other``: a number of it has to be verified.
    """

    title: str
    kind: Literal["reference", "other"]


class Checked(NamedTuple):
    """What the verification of a run says: its verdict, the sentence on it, and the first of its reasons."""

    verdict: str
    sentence: str
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """Rows of the tables, as their files hold them; what is not there is empty.

    Attributes
    ----------
    levels : mapping
        Of each name of a level that a row may have.
    run_levels : mapping
        The level of each run.
    checked : mapping
        The verification of each run that has one.
    cases : sequence
        Name, level, runs and factors of each case: what it is made of, and how.
    findings : sequence
        Of ``contrasts.json``.
    changes : sequence
        Rows of ``contrasts.csv`` of whole cases.
    charges, contacts : mapping
        Rows of ``elf/<run>/charges.csv`` and ``summary.csv`` by run.
    elf_level : str
        Level of both.
    profiles : sequence
        Of ``free_energy.json``.
    adsorption, differences, interstitials, shells, insertion, compounds, reflections : sequence
        Rows of ``adsorption.csv``, ``adsorption_levels.csv``, ``interstitials.csv``, ``shells.csv``,
        ``insertion.csv``, ``intercalation.csv`` and ``diffraction.csv``.
    """

    levels: Mapping[str, Standing] = field(default_factory=dict)
    run_levels: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, Checked] = field(default_factory=dict)
    cases: Rows = ()
    findings: Rows = ()
    changes: Rows = ()
    charges: Mapping[str, Rows] = field(default_factory=dict)
    contacts: Mapping[str, Rows] = field(default_factory=dict)
    elf_level: str = ""
    profiles: Rows = ()
    adsorption: Rows = ()
    differences: Rows = ()
    interstitials: Rows = ()
    shells: Rows = ()
    insertion: Rows = ()
    compounds: Rows = ()
    reflections: Rows = ()

    def title(self, level: str) -> str:
        """Return a level in words; of one that is not known, its name."""
        return self.levels[level].title if level in self.levels else level

    def is_reference(self, level: str) -> bool:
        """Say whether a level is density-functional theory itself."""
        return level in self.levels and self.levels[level].kind == "reference"

    def spot_checks(self, level: str) -> Checked:
        """Return what energies at a level and at a reference say of the level."""
        off = [
            abs(float(row["dE_ads_eV"]))
            for row in self.differences
            if row["level"] == level and self.is_reference(row["against"]) and row["dE_ads_eV"] not in ("", None)
        ]
        if len(off) < LEAST_ROWS:
            return Checked("not verified", f"{len(off)} energies of {self.title(level)} were compared with a reference")
        said = f"{len(off)} energies are within {max(off):.2f} eV of the reference, {TRUSTED_EV:g} eV allowed"
        return Checked("trusted" if max(off) <= TRUSTED_EV else "refused", said)
