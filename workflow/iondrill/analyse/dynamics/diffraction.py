"""Where (00l) reflections lie: of graphite and its lithium compounds, and of layers as far apart as runs have them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import RootModel

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.tables import read_columns
from iondrill.config.base import PositiveFloat, Strict
from iondrill.config.load import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymatgen.core import Structure

WAVELENGTH_A = 1.54059
"""Cu Kα1."""
RANGE_DEG = (10.0, 60.0)
PAPER_DEG = (26.0, 24.7)
"""Reflections in the paper's diffractograms (Sun et al. 2024)."""
NEAR_DEG = 3.0
GRAPHENE_A = 2.46
FRACTIONAL = ((0.0, 0.0), (1 / 3, 2 / 3))


class Reflection(NamedTuple):
    """A row of ``diffraction.csv``."""

    phase: str
    source: str
    gap_A: float
    hkl: str
    d_A: float
    two_theta_deg: float
    intensity: float
    nearest_paper_deg: float | None
    """None if neither of the paper's reflections is within 3°."""
    off_by_deg: float | None


DIFFRACTION = TableForm[Reflection](
    "a reflection (00l) of a stack of layers",
    (
        text("phase", "what the layers are"),
        text("source", "where their distance is from"),
        number("gap_A", "distance of the layers"),
        text("hkl", "indices of the reflection"),
        number("d_A", "distance of its planes"),
        number("two_theta_deg", "where Cu Kα1 is reflected", heading="2θ"),
        number("intensity", "of 100 for the strongest reflection of the stack"),
        number("nearest_paper_deg", "the paper's nearest reflection; empty if none is within 3°"),
        number("off_by_deg", "how far from that"),
    ),
)
"""``diffraction.csv``."""


class Compound(Strict):
    """A hexagonal crystal of layers; see ``known_compounds.yaml``."""

    source: str
    gap_A: PositiveFloat
    a_A: PositiveFloat
    c_A: PositiveFloat
    space_group: str = ""
    atoms: list[tuple[str, float, float, float]]

    def structure(self) -> Structure:
        """Return it with all atoms of its cell."""
        from pymatgen.core import Lattice, Structure

        lattice, (elements, *axes) = Lattice.hexagonal(self.a_A, self.c_A), zip(*self.atoms, strict=True)
        sites = list(zip(*axes, strict=True))
        if self.space_group:
            return Structure.from_spacegroup(self.space_group, lattice, elements, sites)
        return Structure(lattice, elements, sites)


class Compounds(RootModel[dict[str, Compound]]):
    """What ``known_compounds.yaml`` holds."""


class Stack(NamedTuple):
    """Layers, and where their distance is from."""

    phase: str
    source: str
    gap_A: float
    structure: Structure


def bragg_spacing(two_theta_deg: float) -> float:
    """Return the distance of planes in Å that reflect Cu Kα1 at 2θ, in first order."""
    return float(WAVELENGTH_A / (2 * np.sin(np.radians(two_theta_deg / 2))))


def graphene_stack(gap_A: float) -> Structure:
    """Return graphene layers one over the other (AA), `gap_A` apart."""
    from pymatgen.core import Lattice, Structure

    sites = [(x, y, 0.0) for x, y in FRACTIONAL]
    return Structure(Lattice.hexagonal(GRAPHENE_A, gap_A), ["C"] * 2, sites)


def known_stacks() -> list[Stack]:
    """Return the known compounds, and few-layer graphene expanded to where the paper's reflections would be its."""
    stacks = known_compounds()
    for angle in PAPER_DEG:
        gap_A = bragg_spacing(angle)
        source = f"Bragg's law, from {angle:g}° of Sun et al. 2024"
        stacks.append(Stack(f"graphene layers, {gap_A:.2f} Å", source, gap_A, graphene_stack(gap_A)))
    return stacks


def known_compounds() -> list[Stack]:
    """Return graphite, LiC12 and LiC6."""
    known = load(Compounds, Path(__file__).with_name("known_compounds.yaml")).root
    return [Stack(phase, each.source, each.gap_A, each.structure()) for phase, each in known.items()]


def stacks_of_runs(contrasts: Path) -> Iterator[Stack]:
    """Yield graphene layers as far apart as those of each case of ``contrasts.csv``, late in its runs."""
    table = read_columns(contrasts)
    for part in ("edge", "centre"):
        chosen = (table["run"] == "") & (table["quantity"] == f"gap_{part}_A")
        for case, level, gap_A in zip(
            table["case"][chosen], table["level"][chosen], table["late"][chosen].astype(float).tolist(), strict=True
        ):
            yield Stack(f"{case}, {part}", f"mean gap late in the runs, {level}", gap_A, graphene_stack(gap_A))


def reflections(stacks: Iterable[Stack]) -> Iterator[Reflection]:
    """Yield the (00l) reflections of each stack in 10–60°, by pymatgen's XRDCalculator.

    Of infinite crystals: two layers have no sharp reflection at all, theirs is some ten degrees wide.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    calculator = XRDCalculator(wavelength=WAVELENGTH_A)
    for stack in stacks:
        pattern = calculator.get_pattern(stack.structure, two_theta_range=RANGE_DEG)
        for angle, intensity, planes, spacing in zip(pattern.x, pattern.y, pattern.hkls, pattern.d_hkls, strict=True):
            for hkl in (plane["hkl"] for plane in planes if not any(plane["hkl"][:-1])):
                nearest = _nearest_of_paper(float(angle))
                yield Reflection(
                    phase=stack.phase,
                    source=stack.source,
                    gap_A=stack.gap_A,
                    hkl=f"00{hkl[-1]}",
                    d_A=float(spacing),
                    two_theta_deg=float(angle),
                    intensity=float(intensity),
                    nearest_paper_deg=nearest,
                    off_by_deg=None if nearest is None else float(angle) - nearest,
                )


def _nearest_of_paper(angle_deg: float) -> float | None:
    nearest = min(PAPER_DEG, key=lambda paper_deg: abs(paper_deg - angle_deg))
    return nearest if abs(nearest - angle_deg) < NEAR_DEG else None
