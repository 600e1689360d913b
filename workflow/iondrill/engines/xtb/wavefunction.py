"""The GFN-xTB wavefunction as a Molden file.

tblite gives orbital coefficients but no basis set. The basis is rebuilt from the exported parametrisation: a minimal
set of Slater functions, each a sum of Gaussians (STO-nG). Its overlap equals tblite's own overlap matrix.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from iondrill.engines.molden import valence_section
from iondrill.engines.xtb.parameters import parameters
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray
    from tblite.interface import Result

ANGULAR_MOMENTA = "spd"
# Indices in tblite's order (m = -l … l; p: y z x) of the functions in Molden's order (p: x y z; d: 0 +1 -1 +2 -2).
MOLDEN_ORDER = {0: [0], 1: [2, 0, 1], 2: [2, 3, 1, 4, 0]}
OCCUPIED = 1e-8


@dataclass(frozen=True)
class Shell:
    """One contracted shell.

    Parameters
    ----------
    angular_momentum : int
        0, 1 or 2.
    exponents : array (n,)
        Gaussian exponents in 1/bohr².
    coefficients : array (n,)
        Factors of the *normalised* Gaussians; the contraction is normalised too.
    """

    angular_momentum: int
    exponents: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    def overlap(self, other: Shell) -> float:
        """Return the overlap with a shell of the same centre and angular momentum."""
        a, b = self.exponents[:, None], other.exponents[None, :]
        primitives = (2 * np.sqrt(a * b) / (a + b)) ** (self.angular_momentum + 1.5)
        return float(self.coefficients @ primitives @ other.coefficients)

    def orthogonal_to(self, other: Shell) -> Shell:
        """Return this shell, Gram–Schmidt orthogonalised to another and normalised."""
        mixed = Shell(
            self.angular_momentum,
            np.concatenate([self.exponents, other.exponents]),
            np.concatenate([self.coefficients, -self.overlap(other) * other.coefficients]),
        )
        return Shell(mixed.angular_momentum, mixed.exponents, mixed.coefficients / np.sqrt(mixed.overlap(mixed)))


@cache
def _sto_ng() -> dict[str, dict[int, dict[str, list[float]]]]:
    """Return the table of STO-nG expansions; its head says how it was made."""
    table = yaml.safe_load((files(__package__) / "sto_ng.yaml").read_text(encoding="utf-8"))
    return {
        shell: {
            n: {key: [float(value) for value in values] for key, values in expansion.items()}
            for n, expansion in expansions.items()
        }
        for shell, expansions in table.items()
    }


def n_valence(method: str, symbol: str) -> float:
    """Return the number of valence electrons of an element, the sum of its reference occupations."""
    return float(np.sum(parameters(method)["element"][symbol]["refocc"]))


@cache
def basis(method: str, symbol: str) -> tuple[Shell, ...]:
    """Return the basis of an element, in tblite's order.

    Parameters
    ----------
    method : str
        ``GFN2-xTB`` or ``GFN1-xTB``.
    symbol : str
        The element.

    Returns
    -------
    tuple of Shell
        A second shell of the same angular momentum (GFN1: 2s of H) is orthogonalised to the first, as tblite does.

    Raises
    ------
    UserError
        If the element is heavier than Xe (GFN2) or Ar (GFN1).
    """
    element = parameters(method)["element"][symbol]
    shells: list[Shell] = []
    for name, n_gauss, slater in zip(element["shells"], element["ngauss"], element["slater"], strict=True):
        expansion = _sto_ng().get(str(name), {}).get(int(n_gauss))
        if expansion is None:
            raise UserError.of(
                f"the {method} wavefunction",
                f"no basis functions {name} for {symbol}",
                "allowed: H to Xe (GFN2-xTB), H to Ar (GFN1-xTB)",
            )
        shell = Shell(
            ANGULAR_MOMENTA.index(name[-1]),
            np.array(expansion["exponents"]) * slater**2,
            np.array(expansion["coefficients"]),
        )
        first = next((other for other in shells if other.angular_momentum == shell.angular_momentum), None)
        shells.append(shell if first is None else shell.orthogonal_to(first))
    return tuple(shells)


def spin_occupations(result: Result) -> NDArray[np.float64]:
    """Return the occupations of alpha and beta orbitals.

    tblite solves open shells (``uhf`` > 0) in one set of orbitals, filled separately for the two spins, unless
    spin polarisation is switched on. `Result.get` then adds up the two fillings; only the saved file keeps them apart.

    Parameters
    ----------
    result : tblite.interface.Result
        After a single point.

    Returns
    -------
    array (2, n_orbitals)
        Between 0 and 1; fractional at a finite electronic temperature.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.npz"
        result.save(str(path))
        with np.load(path) as saved:
            return np.asarray(saved["tblite0_focc"], dtype=float).T


def write_molden(path: Path, atoms: Atoms, result: Result, *, method: str = "GFN2-xTB") -> None:
    """Write the wavefunction of a single point as a Molden file.

    Closed shells get one set of orbitals with occupations up to 2; open shells, and spin-polarised calculations,
    get alpha and beta orbitals. Orbitals above the highest occupied one are left out.

    Parameters
    ----------
    path : Path
        The file; written whole or not at all.
    atoms : Atoms
        A molecule, in the geometry and order of the calculation.
    result : tblite.interface.Result
        After a single point for `atoms` with `method`.
    method : str
        ``GFN2-xTB`` or ``GFN1-xTB``.

    Raises
    ------
    UserError
        If the atoms are periodic (the orbitals are Bloch sums then), or an element is too heavy.

    References
    ----------
    Molden format: https://www.theochem.ru.nl/molden/molden_format.html
    """
    if atoms.pbc.any():
        raise UserError.of(
            path, "a wavefunction file was asked for a periodic cell", "xtb writes it for molecules only"
        )
    symbols = atoms.get_chemical_symbols()
    shells = [basis(method, symbol) for symbol in symbols]
    text = [
        "[Molden Format]",
        "[Title]",
        f" {method} by tblite",
        *_atoms_section(atoms),
        *_gto_section(shells),
        "[5D]",
        *_mo_section(result, _molden_rows(shells)),
        valence_section({symbol: n_valence(method, symbol) for symbol in dict.fromkeys(symbols)}),
    ]
    write_text(path, "\n".join(text))


def _atoms_section(atoms: Atoms) -> list[str]:
    from ase.units import Bohr

    nuclei = zip(atoms.get_chemical_symbols(), atoms.numbers, atoms.positions / Bohr, strict=True)
    return ["[Atoms] AU"] + [
        f"{symbol:2s} {index:5d} {number:3d} {x:18.10f} {y:18.10f} {z:18.10f}"
        for index, (symbol, number, (x, y, z)) in enumerate(nuclei, start=1)
    ]


def _gto_section(shells: list[tuple[Shell, ...]]) -> list[str]:
    lines = ["[GTO]"]
    for index, own in enumerate(shells, start=1):
        lines.append(f"{index:5d} 0")
        for shell in own:
            lines.append(f" {ANGULAR_MOMENTA[shell.angular_momentum]} {len(shell.exponents):3d} 1.00")
            lines += [f"  {a:18.10e} {c:18.10e}" for a, c in zip(shell.exponents, shell.coefficients, strict=True)]
        lines.append("")
    return lines


def _molden_rows(shells: list[tuple[Shell, ...]]) -> list[int]:
    """Return the index in tblite's order of each atomic orbital of the Molden file."""
    rows: list[int] = []
    for shell in (shell for own in shells for shell in own):
        start = len(rows)
        rows += [start + m for m in MOLDEN_ORDER[shell.angular_momentum]]
    return rows


def _mo_section(result: Result, rows: list[int]) -> list[str]:
    occupations = spin_occupations(result)
    coefficients = np.asarray(result.get("orbital-coefficients"))
    energies = np.atleast_2d(result.get("orbital-energies"))
    if coefficients.ndim == 2 and np.allclose(occupations[0], occupations[1], atol=OCCUPIED):
        sets = [("Alpha", energies[0], occupations.sum(axis=0), coefficients)]
    else:
        # without spin polarisation both spins share one set of orbitals
        energies = np.broadcast_to(energies, occupations.shape)
        coefficients = np.broadcast_to(coefficients, (2, *coefficients.shape[-2:]))
        sets = list(zip(("Alpha", "Beta"), energies, occupations, coefficients, strict=True))
    n_written = int(np.flatnonzero(occupations.max(axis=0) > OCCUPIED).max()) + 1
    if len(sets) == 2 and 2 * n_written == len(rows):
        n_written += 1  # as many spin orbitals as basis functions look like spinors to pyscf
    lines = ["[MO]"]
    for spin, energy, occupation, orbitals in sets:
        for n in range(n_written):
            lines += [
                " Sym= A",
                f" Ene= {energy[n]:.10f}",
                f" Spin= {spin}",
                f" Occup= {occupation[n]:.10f}",
                *(f" {i:5d} {c:18.10e}" for i, c in enumerate(orbitals[rows, n], start=1)),
            ]
    return lines
