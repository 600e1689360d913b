"""What changes in the electron density when two parts meet: ρ(AB) − ρ(A) − ρ(B), on a plane and along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr

from iondrill.analyse.density.npz import read_arrays
from iondrill.analyse.density.plane import Plane, read_maps, write_maps
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.density.wavefunction import Wavefunction

    Array = NDArray[np.float64]

TOLERANCE_E = 1e-3
SLAB = 8


def density_difference(whole: Array, *parts: Array) -> Array:
    """Return ρ(AB) − ρ(A) − ρ(B) on the same points.

    Parameters
    ----------
    whole, *parts : array (n_spin, n)
        `LocalDensity.rho` of each, in 1/bohr³: the total, or alpha and beta, each for itself.

    Returns
    -------
    array (n,)
        Electrons per bohr³: positive where they gather.
    """
    return np.asarray(whole.sum(axis=0) - sum(part.sum(axis=0) for part in parts))


@dataclass(frozen=True)
class DifferenceMap:
    """Density difference on a plane.

    Parameters
    ----------
    plane : Plane
        Where.
    difference : array (n₀, n₁)
        Electrons per bohr³: positive where they gather.
    """

    plane: Plane
    difference: Array

    def write(self, path: Path, profile: Profile) -> None:
        """Write the map as ``.npz``: difference, origin and axes (steps) in Å; place_A and difference_e_A along x."""
        along = {"place_A": profile.position_A, "difference_e_A": profile.difference_e_A}
        write_maps(path, self.plane, difference=self.difference, **along)


def read_difference_map(path: Path) -> DifferenceMap:
    """Read what `DifferenceMap.write` wrote; see `read_maps`."""
    plane, (difference,) = read_maps(path, "difference")
    return DifferenceMap(plane, difference)


def read_profile(path: Path) -> Profile:
    """Read the integrals over planes that `DifferenceMap.write` wrote; see `read_arrays`."""
    return Profile(*read_arrays(path, "place_A", "difference_e_A"))


def difference_on_plane(whole: Wavefunction, parts: Sequence[Wavefunction], plane: Plane) -> DifferenceMap:
    """Return the density difference on a plane; all wavefunctions in one frame (`Wavefunction.moved_to`)."""
    return DifferenceMap(plane, _difference(whole, parts, plane.points_A()).reshape(plane.shape))


def _difference(whole: Wavefunction, parts: Sequence[Wavefunction], points_A: Array) -> Array:
    return density_difference(whole.density(points_A), *(part.density(points_A) for part in parts))


@dataclass(frozen=True)
class Profile:
    """Density difference integrated over the planes normal to an axis.

    Parameters
    ----------
    position_A : array (n,)
        Evenly spaced positions on the axis.
    difference_e_A : array (n,)
        Electrons per Å.
    """

    position_A: Array
    difference_e_A: Array

    @property
    def total_e(self) -> float:
        """The integral over space."""
        return float(self.difference_e_A.sum() * (self.position_A[1] - self.position_A[0]))

    @property
    def transferred_e(self) -> Array:
        """Electrons that moved to smaller values of the axis through each position, shape (n,)."""
        return np.asarray(np.cumsum(self.difference_e_A) * (self.position_A[1] - self.position_A[0]))


def planar_integral(
    whole: Wavefunction,
    parts: Sequence[Wavefunction],
    atoms: Atoms,
    *,
    axis: int,
    margin_A: float = 6.0,
    spacing_A: float = 0.2,
) -> Profile:
    """Integrate the density difference over the planes normal to an axis.

    Parameters
    ----------
    whole, parts : Wavefunction
        All in the frame of the atoms.
    atoms : Atoms
        All of them; the grid spans their extent.
    axis : int
        0, 1, 2: x, y, z.
    margin_A : float
        Added to the extent on every side; beyond, nothing is counted. A lone Li has 10⁻³ e beyond 4 Å.
    spacing_A : float
        Of the grid. 0.2 Å: 10⁻⁴ e for carbon; 0.25 Å: 10⁻³ e, which its cusps at the nuclei cost.
    """
    low, high = atoms.positions.min(axis=0) - margin_A, atoms.positions.max(axis=0) + margin_A
    grid = [np.arange(a, b + spacing_A, spacing_A) for a, b in zip(low, high, strict=True)]
    along = grid[axis]
    profile = np.empty(len(along))
    for start in range(0, len(along), SLAB):  # a slab at a time: memory stays that of one
        slab = slice(start, start + SLAB)
        grid[axis] = along[slab]
        points_A = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1)
        values = _difference(whole, parts, points_A.reshape(-1, 3)).reshape(points_A.shape[:3])
        profile[slab] = np.moveaxis(values, axis, 0).sum(axis=(1, 2))
    return Profile(along, profile * spacing_A**2 / Bohr**3)


def check_balance(profile: Profile, source: object) -> None:
    """Raise a UserError unless the difference integrates to 0 within 10⁻³ e.

    Parameters
    ----------
    profile : Profile
        Over all of space that holds density.
    source : object
        What it was made from, for the message.
    """
    if not abs(profile.total_e) <= TOLERANCE_E:
        found = f"the density difference integrates to {profile.total_e:.5f} e"
        raise UserError.of(
            source, found, f"allowed: 0 to {TOLERANCE_E} e; the parts must have the electrons of the whole"
        )
