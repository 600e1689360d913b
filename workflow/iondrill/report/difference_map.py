"""The picture of a density difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.report.plane_map import Colours, draw_plane_map

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from iondrill.analyse.difference import DifferenceMap

LIMIT = 0.02  # electrons per bohr³: bonds gain some hundredths; the same in all frames, so that they compare
LABEL = "electrons lost (blue) and gained (red), per bohr³"


def draw_difference_map(difference_map: DifferenceMap, atoms: Atoms, *, title: str) -> Figure:
    """Draw a density difference from blue (electrons lost) over white to red (gained); see `draw_plane_map`.

    Parameters
    ----------
    difference_map : DifferenceMap
        Plane and difference. What exceeds 0.02 electrons per bohr³ has the colour of the end.
    atoms : Atoms
        In the frame of the plane.
    title : str
        Level of theory and time of the frame.
    """
    colours = Colours("RdBu_r", -LIMIT, LIMIT, LABEL)
    return draw_plane_map(difference_map.plane, np.asarray(difference_map.difference), colours, atoms, title=title)
