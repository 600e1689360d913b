"""How far a potential is from its reference, on trajectories that its fit never saw."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.engines.ase.grade import Grade
from iondrill.engines.ase.learned import calculator_of
from iondrill.geometry.labels import SHEETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

    from iondrill.config.potential import PotentialStage

    Array = NDArray[np.float64]


class Error(NamedTuple):
    """Errors of one part of the held-out labels; the fields are those of the card.

    Attributes
    ----------
    n : int
        Atoms.
    force_rms_eV_A : float
        Root mean square of the reference's force components: an error as large says that nothing is known.
    force_rmse_eV_A : float
        Of the same components.
    correlation : float
        Of predicted and reference components; NaN where one of them does not vary.
    """

    n: int
    force_rms_eV_A: float
    force_rmse_eV_A: float
    correlation: float


def force_error(predicted: ArrayLike, reference: ArrayLike) -> Error:
    """Compare forces.

    Parameters
    ----------
    predicted, reference : (n, 3) array_like
        eV/Å.
    """
    mine, theirs = np.asarray(predicted, dtype=float), np.asarray(reference, dtype=float)
    if not mine.size:
        return Error(0, np.nan, np.nan, np.nan)
    spread = mine.std() * theirs.std()
    together = ((mine - mine.mean()) * (theirs - theirs.mean())).mean()
    return Error(
        len(mine),
        float(np.sqrt((theirs**2).mean())),
        float(np.sqrt(((mine - theirs) ** 2).mean())),
        float(together / spread) if spread > 0 else float("nan"),
    )


def held_out(groups: Mapping[str, str], share: float) -> set[str]:
    """Return the trajectories that are held out: of each kind this share, but of two or more at least one.

    The choice goes by the trajectories' names: it is the same in every generation, and a new trajectory does not move
    an old one across.

    Parameters
    ----------
    groups : mapping
        Kind of each trajectory.
    share : float
        Between 0 and 1.
    """
    out: set[str] = set()
    for kind in sorted(set(groups.values())):
        names = sorted((name for name, its in groups.items() if its == kind), key=_drawn)
        wanted = max(round(share * len(names)), 1) if share > 0 and len(names) > 1 else 0
        out |= set(names[: min(wanted, len(names) - 1)])
    return out


def _drawn(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def parts_of(label: Atoms) -> Array:
    """Return for each atom the group in which its error is reported: hydrogen, an ion's element, or its fragment.

    Returns
    -------
    array of str (n_atoms,)
        ``nanodiamond``, ``flake``, ``slab``, ``H``, or the symbol of an ion.
    """
    fragment = label.arrays.get("fragment", np.full(len(label), "slab"))
    names = {"nd": "nanodiamond", **dict.fromkeys(SHEETS, "flake")}
    symbols = label.get_chemical_symbols()
    return np.array(
        [
            symbol if symbol != "C" else names.get(str(where), str(where))
            for symbol, where in zip(symbols, fragment, strict=True)
        ]
    )


def energy_error_eV(predicted: Sequence[float], reference: Sequence[float], sizes: Sequence[int]) -> float:
    """Return the root mean square of the errors of energies, eV per atom."""
    errors = (np.asarray(predicted) - np.asarray(reference)) / np.asarray(sizes)
    return float(np.sqrt((errors**2).mean())) if len(errors) else float("nan")


def relative_energy_error_eV(predicted: Sequence[float], reference: Sequence[float], groups: Sequence[str]) -> float:
    """Return the root mean square error of energies within each group of one composition, eV: of differences."""
    errors = np.asarray(predicted) - np.asarray(reference)
    labels = np.asarray(groups)
    left = np.concatenate([errors[labels == one] - errors[labels == one].mean() for one in np.unique(labels)])
    several = np.concatenate([np.full((labels == one).sum(), (labels == one).sum() > 1) for one in np.unique(labels)])
    return float(np.sqrt((left[several] ** 2).mean())) if several.any() else float("nan")


def table(labels: Sequence[Atoms], forces: Sequence[Array], energies: Sequence[float]) -> dict[str, dict[str, object]]:
    """Return the errors of a potential on labels: of all, of each part, of each kind of frame.

    Parameters
    ----------
    labels : sequence of Atoms
        With energy and forces of the reference, and the kind in their info.
    forces : sequence of arrays (n_atoms, 3)
        Of the potential, eV/Å.
    energies : sequence of float
        Of the potential, eV.
    """
    reference = [label.get_forces(apply_constraint=False) for label in labels]
    rows: dict[str, dict[str, object]] = {}
    if not labels:
        return rows
    parts = np.concatenate([parts_of(label) for label in labels])
    kinds = np.concatenate([np.full(len(label), str(label.info["kind"])) for label in labels])
    mine, theirs = np.concatenate(forces), np.concatenate(reference)
    rows["all"] = dict(force_error(mine, theirs)._asdict())
    rows["all"]["energy_error_eV_atom"] = energy_error_eV(
        energies, [label.get_potential_energy() for label in labels], [len(label) for label in labels]
    )
    for name, column in (("part", parts), ("kind", kinds)):
        for one in np.unique(column).tolist():
            rows[f"{name}: {one}"] = dict(force_error(mine[column == one], theirs[column == one])._asdict())
    for one in np.unique(kinds).tolist():
        own = [i for i, label in enumerate(labels) if label.info["kind"] == one]
        rows[f"kind: {one}"]["energy_error_eV_atom"] = energy_error_eV(
            [energies[i] for i in own], [labels[i].get_potential_energy() for i in own], [len(labels[i]) for i in own]
        )
        rows[f"kind: {one}"]["frames"] = len(own)
    return rows


def errors_on(labels: Sequence[Atoms], potential: Path, *, graded: bool = True) -> dict[str, dict[str, Any]]:
    """Return the errors of a potential on labels, and the largest grade of each kind of frame."""
    if not labels:
        return {}
    calculator = calculator_of(potential)
    known = set(calculator.parameters_of_fit["elements_eV"])
    seen = [one for one in labels if set(one.get_chemical_symbols()) <= known]
    forces, energies = [], []
    for one in seen:
        atoms = one.copy()
        atoms.calc = calculator
        forces.append(atoms.get_forces(apply_constraint=False))
        energies.append(atoms.get_potential_energy())
    rows = table(seen, forces, energies)
    if not graded:
        return rows
    grade = Grade.read(potential)
    for kind in {str(one.info["kind"]) for one in seen}:
        rows[f"kind: {kind}"]["largest_grade"] = max(grade.of(one) for one in seen if one.info["kind"] == kind)
    return rows


def verdict(row: dict[str, Any], stage: PotentialStage) -> str:
    """Return what an error means: trusted, doubtful or refused.

    Parameters
    ----------
    row : dict
        ``force_rmse_eV_A`` and ``force_rms_eV_A``.
    stage : PotentialStage
        With the criteria.
    """
    error, there = row["force_rmse_eV_A"], row["force_rms_eV_A"]
    if not error < stage.judge.doubtful_share * there:
        return "refused"
    return "trusted" if error <= stage.judge.trusted_eV_A else "doubtful"


def spread(labels: Sequence[Atoms], folders: Sequence[Path]) -> float | None:
    """Return the root mean square difference of the forces of the first two fits, eV/Å; None of one fit."""
    if len(folders) < 2 or not labels:
        return None
    found = []
    for folder in folders[:2]:
        calculator = calculator_of(folder)
        each = []
        for one in labels:
            atoms = one.copy()
            atoms.calc = calculator
            each.append(atoms.get_forces(apply_constraint=False))
        found.append(np.concatenate(each))
    return float(np.sqrt(np.mean((found[0] - found[1]) ** 2)))
