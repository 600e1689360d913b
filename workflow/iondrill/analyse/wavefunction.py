"""Molden files read, and what the electron localisation function needs evaluated on points."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.units import Bohr

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

# CP2K's NDIGITS 9 leaves 1e-7; four digits, as some programs write them, leave 1e-4.
ORTHONORMAL_TOLERANCE = 1e-3
CHUNK_BYTES = 64 * 2**20
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

    def place(self, atoms: Atoms) -> Atoms:
        """Return a copy of the atoms where the wavefunction has them.

        Engines may shift a molecule in its box; the orbitals go with it.

        Parameters
        ----------
        atoms : Atoms
            The structure of the calculation, in the same order of atoms.

        Raises
        ------
        UserError
            If these are other atoms, or another geometry.
        """
        placed = atoms.copy()
        positions_A = self.mol.atom_coords() * Bohr
        symbols = [self.mol.atom_pure_symbol(i) for i in range(self.mol.natm)]
        if symbols != atoms.get_chemical_symbols():
            raise UserError.of("wavefunction", f"{len(symbols)} atoms that are not those of the structure")
        shift = positions_A - atoms.positions
        if np.abs(shift - shift.mean(axis=0)).max() > 1e-3:
            raise UserError.of("wavefunction", "another geometry than that of the structure")
        placed.positions = positions_A
        return placed

    def evaluate(self, points_A: NDArray[np.float64]) -> LocalDensity:
        """Evaluate ρ, ∇ρ and τ on points, in chunks of bounded memory.

        Parameters
        ----------
        points_A : array (n, 3)
            Positions in Å.
        """
        from pyscf.dft.numint import eval_ao

        n_spin, n = len(self.coefficients), len(points_A)
        rho, gradient, tau = np.empty((n_spin, n)), np.empty((n_spin, 3, n)), np.empty((n_spin, n))
        for chunk in self._chunks(n):
            ao = eval_ao(self.mol, points_A[chunk] / Bohr, deriv=1)
            for spin, (coefficients, occupation) in enumerate(zip(self.coefficients, self.occupations, strict=True)):
                # (4, points, orbitals): ψ, ∂xψ, ∂yψ, ∂zψ, each times √n
                psi, *grad_psi = ao @ (coefficients * np.sqrt(occupation))
                rho[spin, chunk] = np.einsum("pi,pi->p", psi, psi)
                tau[spin, chunk] = 0.5 * sum(np.einsum("pi,pi->p", d, d) for d in grad_psi)
                for axis, d in enumerate(grad_psi):
                    gradient[spin, axis, chunk] = 2 * np.einsum("pi,pi->p", psi, d)
        return LocalDensity(rho, gradient, tau)

    def _chunks(self, n: int) -> Iterator[slice]:
        # value and three derivatives of each function, held about twice
        step = max(1, CHUNK_BYTES // (2 * 4 * 8 * self.mol.nao))
        for start in range(0, n, step):
            yield slice(start, min(start + step, n))


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
    n_valence = _read_valence(path)
    mol, coefficients, occupations = _load(path)
    if any(len(c) != mol.nao for c in coefficients):
        raise UserError.of(path, f"not all of the {mol.nao} coefficients of each orbital", WHOLE_FILE)
    overlap = mol.intor("int1e_ovlp")
    for c in coefficients:
        error = np.abs(c.T @ overlap @ c - np.eye(c.shape[1])).max(initial=0)
        if not error < ORTHONORMAL_TOLERANCE:
            raise UserError.of(path, f"orbitals that are not orthonormal, by {error:.1e}", WHOLE_FILE)
    occupied = [occupation > 0 for occupation in occupations]
    wavefunction = Wavefunction(
        mol,
        tuple(c[:, mask] for c, mask in zip(coefficients, occupied, strict=True)),
        tuple(occupation[mask] for occupation, mask in zip(occupations, occupied, strict=True)),
    )
    _check_charge(path, wavefunction, n_valence)
    return wavefunction


def _load(
    path: Path,
) -> tuple[Any, tuple[NDArray[np.float64], ...], tuple[NDArray[np.float64], ...]]:
    """Return pyscf's molecule, the orbital coefficients and the occupations by spin."""
    from pyscf.tools import molden

    try:
        with redirect_stderr(io.StringIO()):  # pyscf's remarks on sections that it skips
            mol, _, coefficients, occupations, _, _ = molden.load(str(path))
    except Exception as error:  # the parser has no error class of its own
        raise UserError.of(path, f"no readable Molden file ({error or type(error).__name__})", WHOLE_FILE) from error
    if coefficients is None:
        raise UserError.of(path, "no section [MO]", WHOLE_FILE)
    if not isinstance(coefficients, tuple):
        coefficients, occupations = (coefficients,), (occupations,)
    if any(c.shape[1] != len(n) for c, n in zip(coefficients, occupations, strict=True)):
        raise UserError.of(path, "orbitals without an occupation", WHOLE_FILE)
    return mol, coefficients, occupations


def _read_valence(path: Path) -> dict[str, float]:
    """Return the electrons of each element from the section [Nval]."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError.of(path, f"cannot be read ({error})", WHOLE_FILE) from error
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
