"""The electron localisation function: formulas, maps on a plane, and its values at the contacts of the drill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.errors import UserError
from iondrill.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

    from iondrill.analyse.wavefunction import LocalDensity, Wavefunction

    Array = NDArray[np.float64]

# Kinetic energy density of the homogeneous electron gas, C_F ρ^(5/3), in hartree atomic units.
C_F = 0.3 * (3 * np.pi**2) ** (2 / 3)
# CP2K (qs_elf_methods.F): added to D so that ELF vanishes with the density; it is C_F ρ^(5/3) at ρ = 10⁻³.
ELF_CUTOFF = 2.87e-5
ELF_FLOOR = 1e-4
# D is at most of the order of the density: below this it is nothing beside 2.87·10⁻⁵.
RHO_NEGLIGIBLE = 1e-6
# Shannon's ionic radii (Acta Cryst. A 32, 751 (1976), CN 6): inside are an ion's own core shells.
ION_RADII_A = {"Li": 0.76, "Na": 1.02, "K": 1.38}
LINE_STEP_A = 0.01
RHO_MASK = 1e-3
"""1/bohr³: where the density is lower, the ELF means nothing."""
D0_TINY = 1e-100  # keeps χ² finite where there is no density


def pauli_excess(rho: Array, gradient: Array, tau: Array) -> Array:
    """Return D = τ − |∇ρ|²/(8ρ), the kinetic energy density that the Pauli principle adds.

    Parameters
    ----------
    rho : array (...)
        Density, in atomic units: the total, or of one spin.
    gradient : array (3, ...)
        Its gradient.
    tau : array (...)
        ½ Σ nᵢ |∇ψᵢ|² of the same electrons.

    Returns
    -------
    array (...)
        Not below zero.

    References
    ----------
    Becke, Edgecombe, J. Chem. Phys. 92, 5397 (1990); Savin et al., Angew. Chem. Int. Ed. 31, 187 (1992).
    """
    weizsaecker = np.sum(gradient**2, axis=0) / (8 * np.maximum(rho, np.finfo(float).tiny))
    return np.asarray(np.maximum(tau - weizsaecker, 0.0))


def localisation(excess: Array, homogeneous: Array) -> Array:
    """Return ELF = 1/(1 + (D/D₀)²) with CP2K's conventions.

    Parameters
    ----------
    excess : array
        D, the sum over spins.
    homogeneous : array
        D₀ of the homogeneous electron gas of the same density, the sum over spins.

    Returns
    -------
    array
        0 to 1. As in CP2K (``qs_elf_methods.F``), 2.87·10⁻⁵ is added to D, and what is below 10⁻⁴ is 0.
    """
    chi = (excess + ELF_CUTOFF) / np.maximum(homogeneous, D0_TINY)
    elf = 1 / (1 + chi**2)
    return np.where(elf < ELF_FLOOR, 0.0, elf)


def elf_closed_shell(rho: Array, gradient: Array, tau: Array) -> Array:
    """Return the ELF of a closed shell, with D₀ = (3/10)(3π²)^⅔ ρ^(5/3).

    Parameters
    ----------
    rho, gradient, tau : array (...), (3, ...), (...)
        Of all electrons, in atomic units.

    References
    ----------
    Savin et al., Angew. Chem. Int. Ed. 31, 187 (1992).
    """
    return localisation(pauli_excess(rho, gradient, tau), C_F * rho ** (5 / 3))


def elf_spin_polarised(rho: Array, gradient: Array, tau: Array) -> Array:
    """Return the ELF of an open shell: D and D₀ are summed over the spins.

    D₀ of one spin is (3/10)(6π²)^⅔ ρσ^(5/3). For equal spins this is `elf_closed_shell`.

    Parameters
    ----------
    rho, gradient, tau : array (2, ...), (2, 3, ...), (2, ...)
        Of alpha and beta electrons, in atomic units.

    References
    ----------
    Kohout, Savin, Int. J. Quantum Chem. 60, 875 (1996); Lu, Chen, J. Comput. Chem. 33, 580 (2012) (Multiwfn).
    """
    excess = sum(pauli_excess(*spin) for spin in zip(rho, gradient, tau, strict=True))
    return localisation(np.asarray(excess), _homogeneous_of_spins(rho))


def _homogeneous_of_spins(rho: Array) -> Array:
    return np.asarray(2 ** (2 / 3) * C_F * np.sum(rho ** (5 / 3), axis=0))


def repair_uks_elf(elf: Array, rho: Array) -> Array:
    """Return the ELF of an open shell from the two ELF cubes of a spin-polarised CP2K run.

    For each spin CP2K (seen in 2023.1, source and runs) takes (3π²)^⅔ where (6π²)^⅔ is due, so that D/D₀ is 2^⅔ too
    large. D of each spin follows from its cube, and the ELF is built again from both.

    Parameters
    ----------
    elf : array (2, ...)
        ``…-ELF_S1-…`` and ``…-ELF_S2-…`` cubes.
    rho : array (2, ...)
        Density of alpha and beta electrons, (total ± spin density)/2, in 1/bohr³.

    Returns
    -------
    array (...)
        NaN where CP2K cut the cube of a spin to 0 although it has electrons (about ρσ < 6·10⁻⁵): its D is lost
        there, and it can matter beside the other spin.
    """
    rho = np.maximum(rho, 0)
    chi = np.sqrt(1 / np.maximum(elf, ELF_FLOOR) - 1)
    excess = np.maximum(chi * C_F * rho ** (5 / 3) - ELF_CUTOFF, 0.0)
    lost = (elf < ELF_FLOOR) & (rho > RHO_NEGLIGIBLE)
    repaired = localisation(excess.sum(axis=0), _homogeneous_of_spins(rho))
    return np.where(lost.any(axis=0), np.nan, repaired)


def elf_of(density: LocalDensity) -> Array:
    """Return the ELF of what was evaluated on points, closed shell or spin-polarised."""
    if len(density.rho) == 1:
        return elf_closed_shell(density.rho[0], density.gradient[0], density.tau[0])
    return elf_spin_polarised(density.rho, density.gradient, density.tau)


@dataclass(frozen=True)
class Plane:
    """A regular grid of points on a plane.

    Parameters
    ----------
    origin_A : array (3,)
        The first point, in Å.
    axes_A : array (2, 3)
        The steps from point to point, in Å, as in a cube file.
    shape : tuple of int
        Number of points along the two axes.
    """

    origin_A: Array
    axes_A: Array
    shape: tuple[int, int]

    @classmethod
    def of_insertion(cls, positions_A: Array, through_A: ArrayLike, *, margin_A: float, spacing_A: float) -> Plane:
        """Return the plane that holds the insertion axis (x) and the stacking normal (z).

        Parameters
        ----------
        positions_A : array (..., 3)
            Of the atoms, in one frame or in several that are to be compared; the plane spans their extent in x and z.
        through_A : array-like (3,)
            A point of the plane: an ion, the middle of a contact.
        margin_A : float
            Added to the extent of the atoms on every side.
        spacing_A : float
            Distance of the grid points.
        """
        positions = positions_A.reshape(-1, 3)
        low = positions.min(axis=0) - margin_A
        extent = positions.max(axis=0) + margin_A - low
        n_x, _, n_z = (int(n) for n in np.ceil(extent / spacing_A) + 1)
        origin = np.array([low[0], np.asarray(through_A)[1], low[2]])
        return cls(origin, spacing_A * np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), (n_x, n_z))

    def points_A(self) -> Array:
        """Return the points, shape (n₀·n₁, 3); the second axis runs fastest."""
        i, j = np.indices(self.shape).reshape(2, -1)
        return np.asarray(self.origin_A + i[:, None] * self.axes_A[0] + j[:, None] * self.axes_A[1])


@dataclass(frozen=True)
class ElfMap:
    """ELF and density on a plane.

    Parameters
    ----------
    plane : Plane
        Where.
    elf : array (n₀, n₁)
        Electron localisation function, 0 to 1.
    rho : array (n₀, n₁)
        Electron density in 1/bohr³; where it is below 10⁻³ the ELF means nothing.
    """

    plane: Plane
    elf: Array
    rho: Array

    def write(self, path: Path) -> None:
        """Write the map as ``.npz``: elf, rho, origin and axes (steps) in Å."""
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary, elf=self.elf, rho=self.rho, origin=self.plane.origin_A, axes=self.plane.axes_A
            )


def read_elf_map(path: Path) -> ElfMap:
    """Read what `ElfMap.write` wrote.

    Raises
    ------
    UserError
        If the file is missing, cut or holds something else.
    """
    try:
        with np.load(path) as data:
            elf, rho, origin, axes = (data[key] for key in ("elf", "rho", "origin", "axes"))
    except Exception as error:  # zipfile, zlib, numpy and the system have each their own
        raise UserError.of(path, f"no readable ELF map ({error})", "allowed: an .npz of the elf stage") from error
    return ElfMap(Plane(origin, axes, elf.shape), elf, rho)


def elf_on_plane(wavefunction: Wavefunction, plane: Plane) -> ElfMap:
    """Return ELF and density on a plane."""
    density = wavefunction.evaluate(plane.points_A())
    return ElfMap(plane, elf_of(density).reshape(plane.shape), density.rho.sum(axis=0).reshape(plane.shape))


@dataclass(frozen=True)
class ContactElf:
    """One row of ``elf/<run>/summary.csv``, without step and time.

    Parameters
    ----------
    pair : str
        ``ion-carbon``, ``nd-flake``, ``flake-sigma`` or ``between-layers``.
    distance_A : float
        Of the two nuclei.
    elf_midpoint : float
        ELF half-way between the nuclei.
    elf_min, elf_max : float
        Extremes along the line between the nuclei, outside their cores (`core_radius_A`).
    """

    pair: str
    distance_A: float
    elf_midpoint: float
    elf_min: float
    elf_max: float


def contact_pairs(atoms: Atoms) -> dict[str, tuple[int, int]]:
    """Return the shortest contact of each kind.

    Parameters
    ----------
    atoms : Atoms
        A molecule with the array ``fragment``: nd, lower, upper, ion.

    Returns
    -------
    dict
        ``ion-carbon`` (any carbon), ``nd-flake`` and ``between-layers`` (carbons of either side), ``flake-sigma``
        (two carbons of the same layer) to the indices of the two atoms; kinds that do not occur are left out.
    """
    fragment, carbon = atoms.arrays["fragment"], atoms.numbers == 6
    lower, upper = carbon & (fragment == "lower"), carbon & (fragment == "upper")
    kinds = {
        "ion-carbon": [(fragment == "ion", carbon)],
        "nd-flake": [(carbon & (fragment == "nd"), lower | upper)],
        "flake-sigma": [(lower, lower), (upper, upper)],
        "between-layers": [(lower, upper)],
    }
    shortest = {
        kind: [pair for a, b in sides if (pair := _shortest(atoms, a, b)) is not None] for kind, sides in kinds.items()
    }
    return {
        kind: min(pairs, key=lambda pair: float(atoms.get_distance(*pair))) for kind, pairs in shortest.items() if pairs
    }


def _shortest(atoms: Atoms, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Return the nearest two different atoms, one of each selection."""
    first, second = np.flatnonzero(a), np.flatnonzero(b)
    distances = np.linalg.norm(atoms.positions[first, None] - atoms.positions[None, second], axis=-1)
    distances[first[:, None] == second[None, :]] = np.inf
    if not np.isfinite(distances).any():
        return None
    i, j = np.unravel_index(int(distances.argmin()), distances.shape)
    return int(first[i]), int(second[j])


def core_radius_A(symbol: str) -> float:
    """Return the radius about a nucleus whose ELF tells of its core, not of a bond.

    Shannon's ionic radius for Li, Na and K (within lie the 1s or 2s2p shells that a semicore potential keeps), half
    the covalent radius else (within lies the hole that a pseudopotential leaves).
    """
    from ase.data import atomic_numbers, covalent_radii

    return ION_RADII_A.get(symbol, 0.5 * float(covalent_radii[atomic_numbers[symbol]]))


def contact_elf(wavefunction: Wavefunction, atoms: Atoms) -> list[ContactElf]:
    """Return the ELF at the shortest contact of each kind.

    Parameters
    ----------
    wavefunction : Wavefunction
        Of these atoms.
    atoms : Atoms
        In the frame of the wavefunction (`Wavefunction.moved_to`), with the array ``fragment``.

    Returns
    -------
    list of ContactElf
        In the order of `contact_pairs`. If two cores leave no gap, the extremes are those of the midpoint.
    """
    return [_along(wavefunction, atoms, pair, first, second) for pair, (first, second) in contact_pairs(atoms).items()]


def _along(wavefunction: Wavefunction, atoms: Atoms, pair: str, first: int, second: int) -> ContactElf:
    start, end = atoms.positions[[first, second]]
    distance = float(np.linalg.norm(end - start))
    low = core_radius_A(atoms[first].symbol)
    high = max(low, distance - core_radius_A(atoms[second].symbol))
    between = np.linspace(low, high, int((high - low) / LINE_STEP_A) + 2 if high > low else 0)
    along = np.concatenate([[distance / 2], between]) / distance
    elf = elf_of(wavefunction.evaluate(start + along[:, None] * (end - start)))
    return ContactElf(pair, distance, float(elf[0]), float(elf.min()), float(elf.max()))
