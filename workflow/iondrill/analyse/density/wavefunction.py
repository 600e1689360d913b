"""Molden files read, and what the electron localisation function needs evaluated on points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ase.units import Bohr

from iondrill.analyse.density import molden, primitives
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

# CP2K's NDIGITS 9 leaves 1e-7; four digits, as some programs write them, leave 1e-4.
ORTHONORMAL_TOLERANCE = 1e-3
GEOMETRY_TOLERANCE_BOHR = 2e-3
CHUNK_BYTES = 64 * 2**20
# Points within a cube of this edge share the functions that reach them.
BLOCK_BOHR = 3.0
# Of a basis function: what those below it leave out of ρ is some 10⁻¹⁰, of the ELF 2·10⁻⁸ (163 atoms).
NEGLIGIBLE = 1e-7
# Column of libcint's table of atoms: where the coordinates are.
PTR_COORD = 1
WHOLE_FILE = "allowed: a whole Molden file, as the xtb and cp2k engines leave it in the job folder"


@dataclass(frozen=True)
class LocalDensity:
    """Density, gradient and kinetic energy density on points, in atomic units.

    Parameters
    ----------
    rho : array (n_spin, n)
        Electron density in 1/bohr³: the total (n_spin = 1), or alpha and beta.
    gradient : array (n_spin, 3, n)
        Its gradient in 1/bohr⁴.
    tau : array (n_spin, n)
        ½ Σ nᵢ |∇ψᵢ|² in hartree/bohr³.
    """

    rho: NDArray[np.float64]
    gradient: NDArray[np.float64]
    tau: NDArray[np.float64]


@dataclass(frozen=True)
class Wavefunction:
    """Occupied orbitals in a basis of contracted Gaussians.

    Parameters
    ----------
    mol : pyscf.gto.Mole
        Atoms and basis.
    coefficients : tuple of array (n_ao, n_orbitals)
        One array for a closed shell; alpha and beta else.
    occupations : tuple of array (n_orbitals,)
        Alike: up to 2 for a closed shell, up to 1 else.
    """

    mol: Any
    coefficients: tuple[NDArray[np.float64], ...]
    occupations: tuple[NDArray[np.float64], ...]

    @property
    def n_electrons(self) -> float:
        """The number of electrons in the orbitals."""
        return float(sum(occupation.sum() for occupation in self.occupations))

    def moved_to(self, atoms: Atoms) -> Wavefunction:
        """Return the wavefunction shifted as a whole to where the atoms are.

        Engines may move a molecule in its box; the orbitals go with it.

        Parameters
        ----------
        atoms : Atoms
            The structure of the calculation, in the same order of atoms.

        Raises
        ------
        UserError
            If these are other atoms, or another geometry.
        """
        symbols = [self.mol.atom_pure_symbol(i) for i in range(self.mol.natm)]
        if symbols != atoms.get_chemical_symbols():
            raise UserError.of("wavefunction", f"{len(symbols)} atoms that are not those of the structure")
        shifts = atoms.positions / Bohr - self.mol.atom_coords()
        shift = shifts.mean(axis=0)
        if np.abs(shifts - shift).max() > GEOMETRY_TOLERANCE_BOHR:
            raise UserError.of("wavefunction", "another geometry than that of the structure")
        mol = self.mol.copy(deep=False)
        # the coordinates alone: another molecule might have its functions in another order
        mol._env = self.mol._env.copy()  # noqa: SLF001
        for axis in range(3):
            mol._env[mol._atm[:, PTR_COORD] + axis] += shift[axis]  # noqa: SLF001
        return replace(self, mol=mol)

    def evaluate(self, points_A: NDArray[np.float64]) -> LocalDensity:
        """Evaluate ρ, ∇ρ and τ on points, block by block.

        Parameters
        ----------
        points_A : array (n, 3)
            Positions in Å.
        """
        n_spin, n = len(self.coefficients), len(points_A)
        rho, gradient, tau = np.zeros((n_spin, n)), np.zeros((n_spin, 3, n)), np.zeros((n_spin, n))
        for block, spin, orbitals in self._orbitals(points_A, np.eye(3)):
            rho[spin][block], gradient[spin][:, block], tau[spin][block] = local_density(orbitals)
        return LocalDensity(rho, gradient, tau)

    def density(self, points_A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate ρ alone on points (n, 3): shape (n_spin, n), as in `LocalDensity`."""
        rho = np.zeros((len(self.coefficients), len(points_A)))
        for block, spin, (psi,) in self._orbitals(points_A, ()):
            rho[spin, block] = np.einsum("pi,pi->p", psi, psi)
        return rho

    def part(self, low: float, high: float) -> Wavefunction:
        """Return what the Gaussians with some exponents give to the orbitals: above low, up to high, in 1/bohr²."""
        mol, functions = primitives.select(self.mol, low, high)
        return replace(self, mol=mol, coefficients=tuple(c[functions] for c in self.coefficients))

    def orbitals(
        self,
        points: NDArray[np.float64],
        directions: Sequence[NDArray[np.float64]] | NDArray[np.float64],
        *,
        order: Literal["C", "F"] = "C",
    ) -> list[NDArray[np.float64]] | None:
        """Evaluate the orbitals on points near each other.

        Parameters
        ----------
        points : array (n, 3)
            Positions in bohr.
        directions : array (n_directions, 3), or ()
            Unit vectors along which slopes are wanted; those of the coordinate axes cost least.
        order : str
            As numpy's, of points and orbitals in memory: with F the points run fastest, which costs least if there
            are many more of them than orbitals.

        Returns
        -------
        list of array (1 + n_directions, n, n_orbitals), or None
            Of each spin, ψ√n and its slopes in atomic units. None if no function reaches a point.
        """
        from pyscf.dft.numint import eval_ao

        mol, functions = self._near(points)
        if not len(functions):  # which pyscf does not survive
            return None
        ao = eval_ao(mol, points, deriv=1) if len(directions) else eval_ao(mol, points)[None]
        wanted = [ao[0], *(_along(ao[1:], direction) for direction in directions)]
        result = []
        for weighted in self._weighted:
            here = weighted[functions]
            if order == "C":
                orbitals = np.empty((len(wanted), len(points), here.shape[1]))
            else:
                orbitals = np.empty((len(wanted), here.shape[1], len(points))).swapaxes(1, 2)
            for values, out in zip(wanted, orbitals, strict=True):
                if order == "C":
                    np.matmul(values, here, out=out)
                else:
                    np.matmul(here.T, values.T, out=out.T)
            result.append(orbitals)
        return result

    @cached_property
    def _weighted(self) -> list[NDArray[np.float64]]:
        return [c * np.sqrt(n) for c, n in zip(self.coefficients, self.occupations, strict=True)]

    def _orbitals(
        self, points_A: NDArray[np.float64], directions: Sequence[NDArray[np.float64]] | NDArray[np.float64]
    ) -> Iterator[tuple[NDArray[np.intp], int, NDArray[np.float64]]]:
        """Yield indices of points near each other, spin, and what `orbitals` returns; nothing where nothing reaches."""
        points = np.ascontiguousarray(np.transpose(points_A) / Bohr)  # by coordinate, as pyscf holds them
        for block in self._blocks(points):
            for spin, orbitals in enumerate(self.orbitals(points[:, block].T, directions, order="F") or ()):
                yield block, spin, orbitals

    def _blocks(self, points: NDArray[np.float64]) -> Iterator[NDArray[np.intp]]:
        """Yield indices of points (3, n) in the same small cube, as many as memory shall hold."""
        # value and three derivatives of each function, kept about twice
        most = max(1, CHUNK_BYTES // (2 * 4 * 8 * self.mol.nao))
        blocks = np.floor((points - points.min(axis=1, keepdims=True)) / BLOCK_BOHR).astype(int)
        cubes = np.ravel_multi_index(tuple(blocks), tuple(blocks.max(axis=1) + 1))
        order = np.argsort(cubes, kind="stable")
        for together in np.split(order, np.flatnonzero(np.diff(cubes[order])) + 1):
            for start in range(0, len(together), most):
                yield together[start : start + most]

    def _near(self, points: NDArray[np.float64]) -> tuple[Any, NDArray[np.intp]]:
        """Return the molecule with those shells only that reach a point, and the indices of their functions."""
        low, high = points.min(axis=0), points.max(axis=0)
        outside = np.maximum(np.maximum(low - self._centres, self._centres - high), 0.0)
        near = self._reach > np.sqrt(np.einsum("ij,ij->i", outside, outside))
        part = self.mol.copy(deep=False)
        part._bas = self.mol._bas[near]  # noqa: SLF001  (as pyscf itself selects shells)
        return part, np.flatnonzero(near[self._shells])

    @cached_property
    def _centres(self) -> NDArray[np.float64]:
        """Centres of the shells, in bohr: shape (n_shells, 3)."""
        return np.asarray(self.mol.atom_coords()[self.mol._bas[:, 0]])  # noqa: SLF001

    @cached_property
    def _shells(self) -> NDArray[np.intp]:
        """To which shell each function belongs."""
        return np.repeat(np.arange(self.mol.nbas), np.diff(self.mol.ao_loc))

    @cached_property
    def _reach(self) -> NDArray[np.float64]:
        """How far from its centre each shell, or its slope, is of any size; in bohr, shape (n_shells,)."""
        return primitives.reach(self.mol, NEGLIGIBLE)


def _along(slopes: NDArray[np.float64], direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slopes (3, n, n_functions) along a unit vector."""
    for axis, component in enumerate(direction):
        if component == 1.0:  # nothing to add up, nor to copy
            return np.asarray(slopes[axis])
    return np.asarray(sum(component * slope for component, slope in zip(direction, slopes, strict=True)))


def local_density(
    orbitals: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return ρ (n,), ∇ρ (3, n) and τ (n,) of ψ√n and its three slopes, shape (4, n, n_orbitals), in atomic units."""
    psi, *slopes = orbitals
    gradient = np.array([2 * np.einsum("pi,pi->p", psi, slope) for slope in slopes])
    return np.einsum("pi,pi->p", psi, psi), gradient, 0.5 * sum(np.einsum("pi,pi->p", d, d) for d in slopes)


def read_molden(path: Path) -> Wavefunction:
    """Read a Molden file and prove it whole.

    Parameters
    ----------
    path : Path
        With orbitals, and a last section [Nval] (see `iondrill.engines.molden`).

    Returns
    -------
    Wavefunction
        Its occupied orbitals. Both CP2K and the GFN-xTB writer give coefficients of normalised Gaussians, which is
        what pyscf takes: the orbitals come out orthonormal.

    Raises
    ------
    UserError
        If the file is missing, cut or damaged: sections missing, coefficients missing, orbitals not orthonormal,
        or electrons that do not add up to a whole charge.
    """
    text = _read_text(path)
    n_valence = _read_valence(path, text)
    try:
        mol, coefficients, occupations = molden.parse(text)
    except Exception as error:  # pyscf has no error class of its own
        raise UserError.of(path, f"no readable Molden file ({error or type(error).__name__})", WHOLE_FILE) from error
    overlap = mol.intor_symmetric("int1e_ovlp")
    for c in coefficients:
        deviation = np.abs(c.T @ overlap @ c - np.eye(c.shape[1])).max(initial=0)
        if not deviation < ORTHONORMAL_TOLERANCE:
            raise UserError.of(path, f"orbitals that are not orthonormal, by {deviation:.1e}", WHOLE_FILE)
    occupied = [occupation > 0 for occupation in occupations]
    wavefunction = Wavefunction(
        mol,
        tuple(c[:, mask] for c, mask in zip(coefficients, occupied, strict=True)),
        tuple(occupation[mask] for occupation, mask in zip(occupations, occupied, strict=True)),
    )
    _check_charge(path, wavefunction, n_valence)
    return wavefunction


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError.of(path, f"cannot be read ({error})", WHOLE_FILE) from error


def _read_valence(path: Path, text: str) -> dict[str, float]:
    """Return the electrons of each element from the section [Nval]."""
    _, found, tail = text.partition("[Nval]")
    if not found:
        raise UserError.of(
            path,
            "no section [Nval]: the file is cut, or CP2K wrote it",
            "append the valence electrons of each element as lines '[Nval]', 'C 4', 'Li 3', …",
        )
    try:
        pairs = (line.split() for line in tail.partition("[")[0].splitlines() if line.strip())
        return {symbol: float(count) for symbol, count in pairs}
    except ValueError as error:
        raise UserError.of(path, f"a damaged section [Nval] ({error})", "lines such as 'C 4'") from error


def _check_charge(path: Path, wavefunction: Wavefunction, n_valence: dict[str, float]) -> None:
    symbols = [wavefunction.mol.atom_pure_symbol(i) for i in range(wavefunction.mol.natm)]
    missing = sorted(set(symbols) - set(n_valence))
    if missing:
        raise UserError.of(path, f"no {', '.join(missing)} in section [Nval]", "one line for each element")
    charge = sum(n_valence[symbol] for symbol in symbols) - wavefunction.n_electrons
    if abs(charge - round(charge)) > 1e-3 or wavefunction.n_electrons < 0.5:
        raise UserError.of(path, f"{wavefunction.n_electrons:.4f} electrons in the orbitals", WHOLE_FILE)
