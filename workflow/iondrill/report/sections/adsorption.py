"""The adsorption energies of the page: small multiples by facet, the lowest first, and what is behind each row."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.errors import UserError
from iondrill.geometry.bonds import BOND_SCALE
from iondrill.report.names import site_in_words
from iondrill.report.sections.findings import of_adsorption
from iondrill.report.sections.player import looks
from iondrill.report.sections.site_pictures import relaxed_of, site_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iondrill.analyse.energies.adsorption_table import AdsorptionTable
    from iondrill.analyse.energies.row_status import RowStatus
    from iondrill.report.data import Results
    from iondrill.report.sections.findings import Finding
    from iondrill.report.sections.site_pictures import Relaxed, SitePicture

PARTS_AGREE_EV = 1e-3
"""Parts whose energies do not give E_ads this closely are not shown: they are of another calculation."""


class Row(NamedTuple):
    """A row of ``adsorption.csv`` and what belongs to it."""

    id: str
    cells: dict[str, str]
    status: RowStatus
    energy_eV: float | None
    picture: SitePicture | None
    details: dict[str, Any]
    """For the page's script: what opens with the row."""


class Bar(NamedTuple):
    """A row at one level, and how long its bar is, in percent of the longest of that level."""

    row: Row
    level: str
    length: float


class Site(NamedTuple):
    """A position of an ion, with a bar for each level."""

    label: str
    """Where the ion was put, and where it came to rest if that is elsewhere."""
    picture: SitePicture | None
    bars: list[Bar]


class Facet(NamedTuple):
    """A facet with a number of ions in its cell: what is said of it, and by ion its sites, the lowest first."""

    name: str
    n: str
    coverage_ML: str
    says: list[str]
    ions: dict[str, list[Site]]


class Energies(NamedTuple):
    """All that the chapter shows."""

    rows: list[Row]
    facets: list[Facet]
    levels: list[str]

    @property
    def several_n(self) -> bool:
        """Whether cells hold several ions, so that their number has to be told."""
        return {facet.n for facet in self.facets} != {"1"}


def energies(results: Results) -> Energies | None:
    """Return the adsorption energies; None where there are none."""
    table = results.adsorption
    if table is None or not table.rows:
        return None
    rows = [_row(results, table, cells) for cells in table.rows]
    levels = list(dict.fromkeys(row.cells["level"] for row in rows))
    longest = {
        level: max((abs(row.energy_eV) for row in rows if row.energy_eV and row.cells["level"] == level), default=1.0)
        for level in levels
    }
    return Energies(rows, list(_facets(table, rows, longest)), levels)


def _row(results: Results, table: AdsorptionTable, cells: dict[str, str]) -> Row:
    try:
        relaxed = relaxed_of(results, cells)
    except UserError:  # a damaged geometry takes its picture alone
        relaxed = None
    energy_eV = float(cells["E_ads_eV"]) if cells["E_ads_eV"] else None
    name = "-".join(filter(None, (cells[key] for key in ("facet", "n", "adsorbate", "site", "level"))))
    return Row(
        id=f"row-{name}",
        cells=cells,
        status=table.status(cells),
        energy_eV=energy_eV,
        picture=site_picture(cells, relaxed),
        details=_details(results, cells, relaxed, energy_eV),
    )


def _facets(table: AdsorptionTable, rows: Sequence[Row], longest: dict[str, float]) -> Iterator[Facet]:
    for facet, n in dict.fromkeys((row.cells["facet"], row.cells["n"]) for row in rows):
        here = [row for row in rows if (row.cells["facet"], row.cells["n"]) == (facet, n)]
        ions = dict.fromkeys(row.cells["adsorbate"] for row in here)
        by_ion = {ion: _sites([row for row in here if row.cells["adsorbate"] == ion], longest) for ion in ions}
        findings = of_adsorption(table.where("facet", facet).where("n", n))
        says = [_without_name(finding, several=len(longest) > 1) for finding in findings]
        yield Facet(facet, n, here[0].cells["coverage_ML"], says, by_ion)


def _without_name(finding: Finding, *, several: bool) -> str:
    """Return a finding without the facet, which is in the heading; with its level if there are several."""
    text = finding.text.partition(": ")[2]
    text = f"{text[0].upper()}{text[1:]}"
    return f"{finding.level}: {text}" if several else text


def _sites(rows: Sequence[Row], longest: dict[str, float]) -> list[Site]:
    """Return the sites of an ion, by their lowest energy at the first level that has one; those without come last."""
    found = []
    for label in dict.fromkeys(row.cells["site"] for row in rows):
        here = [row for row in rows if row.cells["site"] == label]
        bars = [
            Bar(row, row.cells["level"], 100 * abs(row.energy_eV or 0.0) / longest[row.cells["level"]]) for row in here
        ]
        rest = list(dict.fromkeys(site for row in here for site in row.status.sites if site != label))
        words = " → ".join(filter(None, [site_in_words(label), " and ".join(map(site_in_words, rest))]))
        found.append(Site(words, next((row.picture for row in here if row.picture), None), bars))
    return sorted(found, key=_rank)


def _rank(site: Site) -> float:
    return next((bar.row.energy_eV for bar in site.bars if bar.row.energy_eV is not None), np.inf)


def _details(
    results: Results, cells: dict[str, str], relaxed: Relaxed | None, energy_eV: float | None
) -> dict[str, Any]:
    """Return parts of the energy, geometry and record of a row, as far as they are known."""
    if relaxed is None:
        return {}
    geometry, found = relaxed.geometry, _parts(results, relaxed, int(cells["n"]))
    middle_A = geometry.positions.mean(axis=0)
    details: dict[str, Any] = {
        "job": f"jobs/{relaxed.job.stage}/{relaxed.job.name}",
        "atoms": looks(geometry),
        "bond_scale": BOND_SCALE,
        "positions_mA": _packed(1000 * (geometry.positions - middle_A)),
    }
    if found and energy_eV is not None:
        n, (total, clean, atom) = int(cells["n"]), found
        if abs((total - clean - n * atom) / n - energy_eV) < PARTS_AGREE_EV:
            details["parts_eV"] = {"E_tot": total, "E_sub": clean, "n": n, "E_atom": atom}
    return details


def _packed(values: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    return base64.b64encode(np.rint(values).astype("<i4").tobytes()).decode()


def _parts(results: Results, relaxed: Relaxed, n: int) -> tuple[float, float, float] | None:
    """Return the energies of slab with ions, clean slab and atom; None unless all are there."""
    subject, level = relaxed.job.subject, relaxed.job.level
    wanted = [relaxed.job.subject, subject.clean, subject.atom]
    known = {
        (job.id.subject, job.id.level): job.result.energy_eV
        for job in results.jobs
        if job.id.stage == relaxed.job.stage and not job.id.spin
    }
    energies_eV = [known.get((each, level)) for each in wanted]
    if n < 1 or any(energy is None for energy in energies_eV):
        return None
    total, clean, atom = (float(energy) for energy in energies_eV if energy is not None)
    return total, clean, atom
