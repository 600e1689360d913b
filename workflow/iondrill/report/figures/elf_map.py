"""The picture of an ELF map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.elf.formula import RHO_MASK
from iondrill.report.figures.plane_map import Colours, draw_plane_map

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from iondrill.analyse.elf.map import ElfMap

PAPER, SAFE = "turbo", "cividis"
"""Colour maps from blue: to red, as in the paper; to yellow, the same for colour-blind readers (Nuñez 2018)."""


def draw_elf_map(elf_map: ElfMap, atoms: Atoms, *, title: str, colours: str = PAPER) -> Figure:
    """Draw a map of the ELF, 0 to 1 in every frame, with the atoms near its plane; see `draw_plane_map`.

    Parameters
    ----------
    elf_map : ElfMap
        Plane, ELF and density. Where the density is below 10⁻³ 1/bohr³, or the ELF is not known, nothing is drawn.
    atoms : Atoms
        In the frame of the plane.
    title : str
        Level of theory and time of the frame.
    colours : str
        Name of the colour map.
    """
    return draw_plane_map(elf_map.plane, shown(elf_map), scale(colours), atoms, title=title)


def shown(elf_map: ElfMap) -> np.ma.MaskedArray:
    """Return the ELF (n₀, n₁) of a map, masked where it means nothing."""
    return np.ma.masked_where(~(elf_map.rho >= RHO_MASK) | np.isnan(elf_map.elf), elf_map.elf)


def scale(colours: str = PAPER) -> Colours:
    """Return the one scale of all maps of the ELF."""
    return Colours(colours, 0, 1, "electron localisation function")
