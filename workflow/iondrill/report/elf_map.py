"""The picture of an ELF map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.report.plane_map import Colours, draw_plane_map

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from iondrill.analyse.elf import ElfMap

RHO_MASK = 1e-3  # 1/bohr³: below, the ELF means nothing


def draw_elf_map(elf_map: ElfMap, atoms: Atoms, *, title: str) -> Figure:
    """Draw a map of the ELF, blue (0) to red (1), with the atoms near its plane; see `draw_plane_map`.

    Parameters
    ----------
    elf_map : ElfMap
        Plane, ELF and density. Where the density is below 10⁻³ 1/bohr³, or the ELF is not known, nothing is drawn.
    atoms : Atoms
        In the frame of the plane.
    title : str
        Level of theory and time of the frame.
    """
    shown = np.ma.masked_where(~(elf_map.rho >= RHO_MASK) | np.isnan(elf_map.elf), elf_map.elf)
    colours = Colours("turbo", 0, 1, "electron localisation function")
    return draw_plane_map(elf_map.plane, shown, colours, atoms, title=title)
