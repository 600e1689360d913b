"""The picture of a density difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.report.figures.plane_map import Colours, draw_plane_map

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from iondrill.analyse.elf.difference import DifferenceMap

# The same in all frames, so that they compare.
COLOURS = Colours(
    "RdBu_r",
    -10,
    10,
    "density difference (10⁻³ electrons/bohr³)",
    open_ended=True,
    clear=("#4393c3", "#d6604d"),  # of RdBu those that stand out from white and from black
)
UNIT = 1e-3
"""Electrons per bohr³."""


def draw_difference_map(difference_map: DifferenceMap, atoms: Atoms, *, title: str) -> Figure:
    """Draw a density difference from blue (electrons lost) over white to red (gained); see `draw_plane_map`.

    Parameters
    ----------
    difference_map : DifferenceMap
        Plane and difference. What exceeds 0.01 electrons per bohr³ has the colour of the end.
    atoms : Atoms
        In the frame of the plane.
    title : str
        Level of theory and time of the frame.
    """
    return draw_plane_map(difference_map.plane, difference_map.difference / UNIT, COLOURS, atoms, title=title)
