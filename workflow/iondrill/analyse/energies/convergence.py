"""How far energy, forces and adsorption energy depend on a setting: differences to the finest value of each sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase.geometry import find_mic

from iondrill.analyse.energies.adsorption import adsorption_energy
from iondrill.engines.base import FORCES
from iondrill.geometry.constraints import moving_atoms
from iondrill.jobs.job import BOX_VACUUM_A

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.config.convergence import Tolerance
    from iondrill.engines.base import Result

SAME_POSITION_A = 0.05
FINER_IF_SMALLER = ("accuracy",)


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """A point of a sweep: a value of a setting, and what was computed with it.

    Parameters
    ----------
    parameter : str
        Name of the setting.
    value : float or tuple of int
        Its value.
    own : bool
        Whether it is the reference setting: the value of the study's level and structure.
    result : Result
        Of the structure.
    geometry : Atoms
        The structure with its forces.
    parts : mapping of str to Result
        Of an adsorption energy: "clean slab" and "atom".
    """

    parameter: str
    value: Any
    own: bool
    result: Result
    geometry: Atoms
    parts: Mapping[str, Result] = field(default_factory=dict)

    @property
    def fineness(self) -> float:
        """A number that grows from coarse to fine: the number of k-points, for instance."""
        number = float(np.prod(self.value))
        return -number if self.parameter in FINER_IF_SMALLER else number

    @property
    def converged(self) -> bool:
        """Whether the structure itself did, without the parts."""
        return self.result.status == "converged"

    @property
    def status(self) -> str:
        """``converged``, or what did not and why."""
        words = []
        for name, result in {"": self.result, **self.parts}.items():
            if result.status != "converged":
                words.append(f"{name and name + ' '}{result.status}: {result.why}")
        return "; ".join(words) or "converged"

    @property
    def on_the_edge(self) -> bool:
        """Whether the electron density touches the faces of the box, of the structure or a part."""
        attempts = (entry for result in (self.result, *self.parts.values()) for entry in result.attempts)
        return any(entry.code == "density_on_edge" for entry in attempts)

    @property
    def E_ads_eV(self) -> float | None:
        """Adsorption energy per ion; None without parts, or if one did not converge."""
        if not self.parts or self.status != "converged":
            return None
        combined_eV = self.result.energy_eV
        slab_eV, atom_eV = (part.energy_eV for part in self.parts.values())
        if combined_eV is None or slab_eV is None or atom_eV is None:
            return None
        n_ions = int((self.geometry.arrays["fragment"] == "adsorbate").sum())
        return adsorption_energy(combined_eV, slab_eV, atom_eV, n_ions)


class Difference(NamedTuple):
    """What a point differs from the finest one by; None where there is nothing to compare.

    Attributes
    ----------
    energy_meV_atom
        Total energy, if the atoms are the same.
    force_max_eV_A, force_rms_eV_A
        Length of the difference of the forces on an atom that moves in both: the longest, and the root mean square.
    E_ads_meV
        Adsorption energy per ion.
    """

    energy_meV_atom: float | None = None
    force_max_eV_A: float | None = None
    force_rms_eV_A: float | None = None
    E_ads_meV: float | None = None

    def within(self, tolerance: Tolerance) -> bool:
        """Say whether all that was compared is small enough; adsorption energies replace total energies."""
        energy = (
            (self.energy_meV_atom, tolerance.energy_meV_atom)
            if self.E_ads_meV is None
            else (self.E_ads_meV, tolerance.E_ads_meV)
        )
        pairs = (energy, (self.force_max_eV_A, tolerance.force_eV_A))
        return all(abs(found) <= allowed for found, allowed in pairs if found is not None)


@dataclass(frozen=True)
class Curve:
    """The points of one setting.

    Parameters
    ----------
    points : sequence of SweepPoint
        From coarse to fine.
    """

    points: Sequence[SweepPoint]

    @property
    def parameter(self) -> str:
        """The setting."""
        return self.points[0].parameter

    @property
    def finest(self) -> SweepPoint | None:
        """The finest point that converged, with all its parts."""
        return next((point for point in reversed(self.points) if point.status == "converged"), None)

    @property
    def own(self) -> SweepPoint:
        """The point at the study's reference setting."""
        return next(point for point in self.points if point.own)

    def difference(self, point: SweepPoint) -> Difference:
        """Return what a point differs from the finest one by."""
        finest = self.finest
        if finest is None or not point.converged:
            return Difference()
        largest, rms = force_difference(point.geometry, finest.geometry) or (None, None)
        energy = None
        if point.result.energy_eV is not None and finest.result.energy_eV is not None:
            n_atoms = len(point.geometry)
            same = n_atoms == len(finest.geometry)
            energy = 1000 * (point.result.energy_eV - finest.result.energy_eV) / n_atoms if same else None
        E_ads = None
        if point.E_ads_eV is not None and finest.E_ads_eV is not None:
            E_ads = 1000 * (point.E_ads_eV - finest.E_ads_eV)
        return Difference(energy, largest, rms, E_ads)

    @property
    def own_error(self) -> Difference:
        """How the point at the reference setting differs from the finest one; nothing if no finer one converged."""
        finest, own = self.finest, self.own
        if finest is None or own.fineness >= finest.fineness:
            return Difference()
        return self.difference(own)

    def cheapest(self, tolerance: Tolerance) -> SweepPoint | None:
        """Return the cheapest point that is within the tolerance together with all finer ones.

        The finest cannot vouch for itself: None if no other is as good.
        """
        good: list[SweepPoint] = []
        for point in reversed(self.points):
            if point.status == "converged":
                if not self.difference(point).within(tolerance):
                    break
                good.append(point)
        return min(reversed(good), key=lambda point: point.result.core_s) if len(good) > 1 else None


def curves(points: Sequence[SweepPoint]) -> list[Curve]:
    """Return the curve of each setting, in the order in which they come."""
    grouped = groupby(points, key=lambda point: point.parameter)
    return [Curve(sorted(group, key=lambda point: point.fineness)) for _, group in grouped]


def force_difference(atoms: Atoms, finest: Atoms) -> tuple[float, float] | None:
    """Return longest and root-mean-square difference of the forces on the atoms that move in both, eV/Å.

    Parameters
    ----------
    atoms, finest : Atoms
        With forces. They hold the same atoms in the same order; or they are slabs of different thickness, whose
        tops are laid on each other, and the atoms at the same position are compared.

    Returns
    -------
    tuple of float, or None
        None if no atom is in both, or one has no forces.
    """
    if FORCES not in atoms.arrays or FORCES not in finest.arrays:
        return None
    first = second = np.arange(len(atoms))
    if len(atoms) != len(finest):
        first, second = _same_positions(atoms, finest)
    moving = moving_atoms(atoms)[first] & moving_atoms(finest)[second]
    if not moving.any():
        return None
    apart = atoms.arrays[FORCES][first[moving]] - finest.arrays[FORCES][second[moving]]
    lengths = np.linalg.norm(apart, axis=1)
    return float(lengths.max()), float(np.sqrt((lengths**2).mean()))


def vacuum_A(atoms: Atoms) -> float:
    """Return the vacuum around a structure: above a slab, an ion not counted, or in the cube of the longest edge."""
    slab = atoms.arrays["fragment"] == "slab"
    if slab.any():
        return float(atoms.cell[2, 2] - np.ptp(atoms.positions[slab, 2]))
    edge_A, extent_A = float(atoms.cell.lengths().max()), float(np.ptp(atoms.positions, axis=0).max())
    return edge_A - extent_A if edge_A else BOX_VACUUM_A


def _same_positions(atoms: Atoms, other: Atoms) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return the atoms of two slabs that are of one element and at one position, measured from the highest."""
    ours, theirs = (slab.positions - slab.positions[:, 2].max() * np.eye(3)[2] for slab in (atoms, other))
    apart = (ours[:, None] - theirs[None]).reshape(-1, 3)
    _, lengths = find_mic(apart, atoms.cell, pbc=(True, True, False))
    near = lengths.reshape(len(atoms), len(other)) < SAME_POSITION_A
    first, second = np.nonzero(near & (atoms.numbers[:, None] == other.numbers[None]))
    return first, second
