"""The ELF along the lines between atoms that touch: profiles, and the attractors that tell a bond from a contact.

Between two atoms that share a pair of electrons the ELF has a maximum of its own, the bond's attractor (Silvi and
Savin, Nature 371, 683 (1994)); between atoms that only touch it has a minimum. Here the maxima are sought along the
line between the nuclei alone, outside their cores: an attractor off that line (a bent bond) is seen where the line
passes nearest to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.dynamics.order import CC_BOND_A
from iondrill.analyse.elf.contacts import contact_pairs, core_radius_A
from iondrill.analyse.elf.formula import RHO_MASK, elf_of
from iondrill.geometry.labels import SHEETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.density.wavefunction import Wavefunction

    Array = NDArray[np.float64]

STEP_A = 0.02
PROMINENCE = 0.01
"""A maximum counts if the ELF falls by this on both sides."""
NEW_BOND = "nd-flake-bond"


class LinePoint(NamedTuple):
    """A row of ``profiles.csv``."""

    step: int
    time_fs: float
    pair: str
    first: int
    second: int
    distance_A: float
    position_A: float
    elf: float
    rho: float


class BondElf(NamedTuple):
    """A row of ``bonds.csv``."""

    step: int
    time_fs: float
    first: int
    second: int
    distance_A: float
    elf_midpoint: float
    attractors: int
    elf_attractor: float | None
    attractor_A: float | None


PROFILES = TableForm[LinePoint](
    "a point on the line between two nuclei: of the shortest contact of each kind, and of each bond between "
    "nanodiamond and flake",
    (
        number("step", "of the frame"),
        number("time_fs", "of the frame"),
        text("pair", "kind of contact, as in `summary.csv`, or `nd-flake-bond`"),
        number("first", "index of the first atom"),
        number("second", "index of the second atom"),
        number("distance_A", "distance of the nuclei"),
        number("position_A", "distance of the point from the first nucleus"),
        number("elf", "the ELF there"),
        number("rho", "the electron density there, bohr⁻³"),
    ),
)
"""``profiles.csv``."""
BONDS = TableForm[BondElf](
    "a bond between nanodiamond and flake (C–C below 1.85 Å)",
    (
        number("step", "of the frame", hidden=True),
        number("time_fs", "of the frame", heading="Time", digits=1),
        number("first", "index of the atom of the nanodiamond", heading="Atoms", role="name"),
        number("second", "index of the atom of the flake", hidden=True),
        number("distance_A", "distance of the nuclei", heading="Distance", digits=3),
        number("elf_midpoint", "ELF half-way between them", heading="ELF half-way", digits=3),
        number("attractors", "maxima of the ELF between the cores", heading="Attractors", digits=0),
        number("elf_attractor", "ELF at the highest of them", heading="ELF at the highest", digits=3),
        number("attractor_A", "its distance from the first nucleus", hidden=True),
    ),
)
"""``bonds.csv``."""


@dataclass(frozen=True)
class ElfLine:
    """ELF and density on the line between two nuclei.

    Parameters
    ----------
    pair : str
        What meets: a kind of `contact_pairs`, or ``nd-flake-bond``.
    first, second : int
        The atoms.
    core_A : tuple of float
        Radii of their cores (`core_radius_A`).
    position_A : array (n,)
        From the first nucleus to the second, both included, an odd number evenly spaced.
    elf, rho : array (n,)
        There; the density in 1/bohr³.
    """

    pair: str
    first: int
    second: int
    core_A: tuple[float, float]
    position_A: Array
    elf: Array
    rho: Array

    @property
    def distance_A(self) -> float:
        """The distance of the nuclei."""
        return float(self.position_A[-1])

    @property
    def elf_midpoint(self) -> float:
        """ELF half-way between the nuclei."""
        return float(self.elf[len(self.elf) // 2])


class Attractor(NamedTuple):
    """A maximum of the ELF along a line."""

    position_A: float
    elf: float


def nd_flake_bonds(atoms: Atoms) -> list[tuple[int, int]]:
    """Return the pairs of C, one of the nanodiamond and one of the flake, nearer than 1.85 Å (as in `order`)."""
    fragment, carbon = atoms.arrays["fragment"], atoms.numbers == 6
    nd = np.flatnonzero(carbon & (fragment == "nd"))
    flake = np.flatnonzero(carbon & np.isin(fragment, SHEETS))
    distances = np.linalg.norm(atoms.positions[nd, None] - atoms.positions[None, flake], axis=-1)
    return [(int(nd[i]), int(flake[j])) for i, j in np.argwhere(distances < CC_BOND_A)]


def elf_lines(wavefunction: Wavefunction, atoms: Atoms) -> list[ElfLine]:
    """Return the profiles of the shortest contacts, and of every bond between nanodiamond and flake.

    Parameters
    ----------
    wavefunction : Wavefunction
        Of these atoms.
    atoms : Atoms
        In the frame of the wavefunction, with the array ``fragment``.
    """
    pairs = [(kind, *pair) for kind, pair in contact_pairs(atoms).items()]
    pairs += [(NEW_BOND, *pair) for pair in nd_flake_bonds(atoms)]
    return [elf_line(wavefunction, atoms, *pair) for pair in pairs]


def elf_line(wavefunction: Wavefunction, atoms: Atoms, pair: str, first: int, second: int) -> ElfLine:
    """Return the profile between two atoms, at points about 0.02 Å apart."""
    start, end = atoms.positions[[first, second]]
    distance = float(np.linalg.norm(end - start))
    position = np.linspace(0, distance, 2 * int(np.ceil(distance / STEP_A / 2)) + 1)
    density = wavefunction.evaluate(start + position[:, None] / distance * (end - start))
    cores = (core_radius_A(atoms[first].symbol), core_radius_A(atoms[second].symbol))
    return ElfLine(pair, first, second, cores, position, elf_of(density), density.rho.sum(axis=0))


def attractors(line: ElfLine) -> list[Attractor]:
    """Return the maxima of the ELF along a line, outside the cores and where there is density, by position.

    A maximum counts if the ELF falls by 0.01 on either side of it before it rises higher; at the cores it ends. One
    means a bond; two with a valley between for atoms that only touch (the lone pairs or π lobes of each).
    """
    from scipy.signal import find_peaks

    low, high = line.core_A[0], line.distance_A - line.core_A[1]
    between = (line.position_A > low) & (line.position_A < high) & (line.rho >= RHO_MASK)
    elf = np.where(between, line.elf, 0.0)
    peaks, _ = find_peaks(elf, prominence=PROMINENCE)
    # what rises towards a core is the core's own shell, or the hole's rim
    inner = [k for k in peaks if between[k - 1] and between[k + 1]]
    return [Attractor(float(line.position_A[k]), float(elf[k])) for k in inner]


def profile_rows(lines: Iterable[ElfLine], step: int, time_fs: float) -> list[LinePoint]:
    """Return a row of ``profiles.csv`` for each point of each line."""
    return [
        LinePoint(step, time_fs, line.pair, line.first, line.second, line.distance_A, float(x), float(elf), float(rho))
        for line in lines
        for x, elf, rho in zip(line.position_A, line.elf, line.rho, strict=True)
    ]


def bond_rows(lines: Iterable[ElfLine], step: int, time_fs: float) -> list[BondElf]:
    """Return a row of ``bonds.csv`` for each bond between nanodiamond and flake; the attractor is the highest."""
    rows: list[BondElf] = []
    for line in (line for line in lines if line.pair == NEW_BOND):
        found = attractors(line)
        highest = max(found, key=lambda attractor: attractor.elf, default=None)
        given = (highest.elf, highest.position_A) if highest else (None, None)
        atoms = (line.first, line.second, line.distance_A, line.elf_midpoint)
        rows.append(BondElf(step, time_fs, *atoms, len(found), *given))
    return rows
