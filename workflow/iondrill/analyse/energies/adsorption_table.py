"""The table of adsorption energies, column by column, and what became of its rows as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.energies.adsorption import Adsorption
from iondrill.analyse.energies.row_status import Note, RowStatus, status_of_text
from iondrill.analyse.energies.surroundings import lowest_neighbour_eV
from iondrill.analyse.tables import Table
from iondrill.config.base import Strict
from iondrill.config.load import load
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def row_status(row: Adsorption) -> RowStatus:
    """Return what the table says of a row: its status, and what the error estimate covers."""
    if row.error_estimate is None:
        return row.status
    covers = Note(text=row.error_estimate.covers, code="error_covers")
    return RowStatus(word=row.status.word, notes=[*row.status.notes, covers])


ADSORPTION = TableForm[Adsorption](
    "ions on a site of a facet, at a level",
    (
        text("facet", "name of the facet", heading="Facet", role="name", choice=True),
        text("termination", "its termination", heading="Termination", choice=True),
        text("adsorbate", "ion", heading="Ion", choice=True),
        text("site", "where the ions were put", heading="Site"),
        number("n", "ions in the cell", digits=0),
        number("coverage_ML", "ions for each atom of the topmost layer, H left out", heading="Coverage", digits=2),
        number(
            "E_ads_eV",
            "(E_tot − E_sub − n·E_atom)/n, per ion: negative is bound. Empty unless all three parts converged, with "
            "whole slabs, at one level with one version of the engine",
            heading="E_ads",
            digits=3,
        ),
        number(
            "E_ads_vs_metal_eV",
            "E_ads + E_coh: negative, the ion prefers the facet. Empty unless E_coh is known, see `metal_reference`",
            lambda row: row.against_metal[0],
            heading="against metal",
            digits=3,
        ),
        number(
            "height_A",
            "of the ions above the topmost layer; empty unless the slab with the ions converged",
            heading="Height",
            digits=2,
        ),
        text("level", "level of theory", lambda row: row.combined.level, heading="Level", role="level", choice=True),
        text(
            "status",
            "`converged`, `refused`, `not_converged` or `failed`, and what there is to say",
            lambda row: str(row_status(row)),
            heading="Status",
            role="words",
        ),
        number(
            "n_ionic_steps",
            "steps of the slab with the ions",
            lambda row: row.combined.n_ionic_steps,
            heading="Steps",
            digits=0,
        ),
        number(
            "n_scf_cycles",
            "SCF cycles of the slab with the ions",
            lambda row: row.combined.n_scf_cycles,
            heading="SCF cycles",
            digits=0,
        ),
        number(
            "core_s",
            "core seconds of the slab with the ions",
            lambda row: row.combined.core_s,
            heading="Core time",
            digits=1,
        ),
        text("metal_reference", "where E_coh is from", lambda row: row.against_metal[1], heading="Metal from"),
        number(
            "displaced_rms_A",
            "how far the ions displace the substrate: root mean square over its free atoms",
            lambda row: row.displaced_A[0],
            heading="Substrate moved, rms",
            digits=3,
        ),
        number("displaced_max_A", "the same, largest", lambda row: row.displaced_A[1], heading="most", digits=3),
        number("charge_e", "mean charge of the ions", lambda row: row.charge[0], heading="Charge of the ion", digits=2),
        text("charge_scheme", "Hirshfeld or Mulliken", lambda row: row.charge[1], heading="by"),
        number(
            "error_estimate_eV",
            "error of E_ads: of the settings, by a [convergence study](convergence.md), or of the fit, by recorded "
            "energies; `status` says which",
            lambda row: row.error_estimate.error_eV if row.error_estimate else None,
            heading="Error",
            digits=3,
        ),
        number(
            "lowest_neighbour_eV",
            "energy of the lowest single point near the position of the ions over that at the position, per ion",
            lambda row: lowest_neighbour_eV(row.combined.neighbourhood, row.n),
            heading="Lowest point nearby",
            digits=3,
        ),
        number(
            "d4_coordination",
            "coordination number of the ion in the dispersion correction D4; empty at levels without it",
            lambda row: row.dispersion.coordination if row.dispersion else None,
            heading="CN of the ion, D4",
            digits=2,
        ),
        number(
            "d4_C6_au",
            "C6 coefficient of the ion in D4, Eh·bohr⁶",
            lambda row: row.dispersion.C6_au if row.dispersion else None,
            heading="C6 of the ion, D4",
            digits=0,
        ),
    ),
)
"""``adsorption.csv``."""


class Key(NamedTuple):
    """What distinguishes rows, as the table gives it."""

    facet: str
    adsorbate: str
    site: str
    n: str
    level: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Key:
        """Return that of a row."""
        return cls(*(str(row[name]) for name in cls._fields))


class StatusOfRow(Strict):
    """What became of a row, and which it is."""

    facet: str
    adsorbate: str
    site: str
    n: int
    level: str
    status: RowStatus


class Statuses(Strict):
    """What ``adsorption.json`` holds."""

    rows: list[StatusOfRow]


@dataclass(frozen=True)
class AdsorptionTable(Table):
    """``adsorption.csv``, cell by cell, and what became of its rows."""

    statuses: Mapping[Key, RowStatus] = field(default_factory=dict)

    def status(self, row: Mapping[str, str]) -> RowStatus:
        """Return what became of a row."""
        return self.statuses.get(Key.of(row)) or status_of_text(row["status"])

    def status_at(self, row: Mapping[str, str], level: str) -> RowStatus | None:
        """Return what became of the same ions on the same site at a level; None if no row says so."""
        key = Key.of({**row, "level": level})
        return next((self.status(each) for each in self.rows if Key.of(each) == key), None)


def write_adsorption(rows: Sequence[Adsorption], table: Path, statuses: Path) -> None:
    """Write ``adsorption.csv``, and ``adsorption.json`` with what became of each row as data."""
    ADSORPTION.write(rows, table)
    keys = ("facet", "adsorbate", "site", "n")
    content = [
        StatusOfRow(**{key: getattr(row, key) for key in keys}, level=row.combined.level, status=row_status(row))
        for row in rows
    ]
    write_text(statuses, Statuses(rows=content).model_dump_json(indent=1, exclude_defaults=True) + "\n")


def read_adsorption(path: Path) -> AdsorptionTable:
    """Read ``adsorption.csv``, and ``adsorption.json`` in the same folder, if it is there.

    Raises
    ------
    UserError
        If a file is cut or holds something else.
    """
    table, kept = ADSORPTION.read(path), path.with_suffix(".json")
    found = load(Statuses, kept).rows if kept.exists() else []
    statuses = {Key.of(each.model_dump()): each.status for each in found}
    return AdsorptionTable(table.path, table.columns, table.rows, statuses)
