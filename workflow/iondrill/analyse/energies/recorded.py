"""Adsorption energies of a fitted level against recorded energies of a reference, on the same geometries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.energies.adsorption import adsorption_energy
from iondrill.engines.ase.grade import grade_of
from iondrill.engines.ase.learned import calculator_of
from iondrill.errors import UserError
from iondrill.potential.labels import read_labels
from iondrill.potential.unseen import unseen
from iondrill.prepare.estimates import ErrorEstimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level

ADSORBATE = "adsorbate"
OF_THE_FRAME = frozenset({"kpoints"})
"""Settings that follow from the size of a frame; see `iondrill.potential.labels.sampled`."""
NEEDED = "needed: the clean slab of the same group, and the free atom, labelled too"


class Recorded(NamedTuple):
    """A slab with ions, the same slab without, and a free atom, each with an energy of the reference.

    Attributes
    ----------
    ion : str
        The element.
    n : int
        Number of ions.
    combined, clean, atom : Atoms
        Labels: `read_labels`.
    path : Path
        File of the first.
    """

    ion: str
    n: int
    combined: Atoms
    clean: Atoms
    atom: Atoms
    path: Path

    def E_ads_eV(self, energy: Callable[[Atoms], float]) -> float:
        """Return E_ads from what gives each of the three its energy, eV."""
        return adsorption_energy(energy(self.combined), energy(self.clean), energy(self.atom), self.n)


def recorded(files: Iterable[Path]) -> Iterator[Recorded]:
    """Put the labels of some files together: slabs with ions, the clean slab of the same group, and free atoms.

    Parameters
    ----------
    files : iterable of Path
        Extended XYZ; the info ``group`` names the facet. Atoms of the fragment "adsorbate" are ions; a frame without
        such is a clean slab, a frame of one atom a free atom.

    Raises
    ------
    UserError
        If a file cannot be read, or a slab with ions lacks the slab or the atom.
    """
    labels = [(path, one) for path in files for one in read_labels(path)]
    atoms = {str(one.symbols): one for _, one in labels if len(one) == 1}
    clean = {one.info["group"]: one for _, one in labels if len(one) > 1 and not _ions(one).any()}
    for path, one in labels:
        symbols = set(one.symbols[_ions(one)])
        if len(one) == 1 or not symbols:
            continue
        (ion, *others), slab = sorted(symbols), clean.get(one.info["group"])
        if others:
            raise UserError.of(path, f"holds ions of {len(symbols)} elements", "allowed: one")
        if slab is None or ion not in atoms or len(slab) != int((~_ions(one)).sum()):
            raise UserError.of(path, f"is a slab with {ion} without its parts", NEEDED)
        yield Recorded(ion, int(_ions(one).sum()), one, slab, atoms[ion], path)


def _ions(label: Atoms) -> Any:
    return label.arrays.get("fragment", np.array([""] * len(label))) == ADSORBATE


def recorded_differences(
    name: str, levels: Mapping[str, Level], files: Sequence[Path]
) -> list[dict[str, str | int | float | None]]:
    """Return E_ads of a fitted level less that of the reference, for each slab with ions that is recorded.

    Parameters
    ----------
    name : str
        Of the level; of one that is not fitted nothing is said.
    levels : mapping
        All levels of the configuration.
    files : sequence of Path
        See `recorded`.

    Returns
    -------
    list of dict
        Rows of ``adsorption_levels.csv``; both energies are of the recorded geometry, so that none is shifted.

    Raises
    ------
    UserError
        If a label was made at another level than the configuration has, or the potential has learned from it.
    """
    level = levels[name]
    if level.fitted_in is None:
        return []
    calculator, grade, found = calculator_of(level.fitted_in), grade_of(level), []
    for one in recorded(files):
        against = str(one.combined.info.get("level", "reference"))
        unseen(one.combined, one.path, levels.get(against), grade, OF_THE_FRAME)
        theirs_eV = one.E_ads_eV(lambda part: float(part.get_potential_energy()))
        ours_eV = one.E_ads_eV(lambda part: float(calculator.get_potential_energy(_plain(part))))
        found.append(
            {
                "facet": one.combined.info["group"],
                "adsorbate": one.ion,
                "site": str(one.combined.info.get("site", "")),
                "n": one.n,
                "level": name,
                "against": against,
                "dE_ads_eV": ours_eV - theirs_eV,
                "dheight_A": None,
                "ion_shift_A": None,
                "slab_rms_A": None,
                "status": "converged",
            }
        )
    return found


def _plain(label: Atoms) -> Atoms:
    """Return the atoms alone."""
    plain = label.copy()
    plain.set_constraint()
    return plain


def recorded_error(differences: Sequence[Mapping[str, Any]], ion: str) -> ErrorEstimate | None:
    """Return the error of E_ads of an ion at a fitted level: the root mean square of its recorded differences, eV."""
    off_eV = [float(row["dE_ads_eV"]) for row in differences if row["adsorbate"] == ion]
    if not off_eV:
        return None
    against = next(row["against"] for row in differences if row["adsorbate"] == ion)
    error_eV = float(np.sqrt(np.mean(np.square(off_eV))))
    return ErrorEstimate(error_eV, f"error of the fit: rms of {len(off_eV)} energies of {ion} against {against}")
