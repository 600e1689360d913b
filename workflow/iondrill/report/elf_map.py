"""The picture of an ELF map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from iondrill.analyse.elf import ElfMap

RHO_MASK = 1e-3  # 1/bohr³: below, the ELF means nothing
NEAR_PLANE_A = 0.5


def draw_elf_map(elf_map: ElfMap, atoms: Atoms, *, title: str) -> Figure:
    """Draw a map of the ELF, blue (0) to red (1), with the atoms near its plane.

    Parameters
    ----------
    elf_map : ElfMap
        Plane, ELF and density. Where the density is below 10⁻³ 1/bohr³ nothing is drawn.
    atoms : Atoms
        In the frame of the plane (`Wavefunction.place`); those within 0.5 Å of it become dots.
    title : str
        Level of theory and time of the frame.

    Returns
    -------
    matplotlib.figure.Figure
        On an Agg canvas; the caller saves it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    plane = elf_map.plane
    steps_A = np.linalg.norm(plane.axes_A, axis=1)
    directions = plane.axes_A / steps_A[:, None]
    # coordinates along the plane's own axes, so that x and z of the structure stay readable
    start = directions @ plane.origin_A
    edges = [start[k] + steps_A[k] * (np.arange(plane.shape[k] + 1) - 0.5) for k in (0, 1)]
    figure = Figure(figsize=(8, 8 * float(np.ptp(edges[1]) / np.ptp(edges[0])) + 1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel=_label(directions[0]), ylabel=_label(directions[1]))
    axes.set_title(title, loc="left")
    axes.set_aspect("equal")
    axes.set_facecolor("white")
    shown = np.ma.masked_where(~(elf_map.rho >= RHO_MASK), elf_map.elf)
    image = axes.pcolormesh(edges[0], edges[1], shown.T, cmap="turbo", vmin=0, vmax=1, rasterized=True)
    figure.colorbar(image, ax=axes, label="electron localisation function", fraction=0.04, pad=0.02)
    _draw_atoms(axes, elf_map, atoms, directions)
    axes.set_xlim(edges[0][0], edges[0][-1])
    axes.set_ylim(edges[1][0], edges[1][-1])
    return figure


def _draw_atoms(axes: Axes, elf_map: ElfMap, atoms: Atoms, directions: NDArray[np.float64]) -> None:
    from ase.data.colors import jmol_colors

    normal = np.cross(*directions)
    near = np.abs((atoms.positions - elf_map.plane.origin_A) @ normal) <= NEAR_PLANE_A
    for symbol in sorted(set(atoms[near].get_chemical_symbols())):
        chosen = near & (atoms.symbols == symbol)
        across, up = directions @ atoms.positions[chosen].T
        axes.scatter(
            across,
            up,
            s=36,
            color=[jmol_colors[atoms.numbers[chosen][0]]],
            edgecolors="black",
            linewidths=0.8,
            label=symbol,
            zorder=3,
        )
    if near.any():
        # above the map, at the end of the title's line
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, handletextpad=0)


def _label(direction: NDArray[np.float64]) -> str:
    """Name an axis of the plane: x, y or z where it is one, else its direction."""
    for name, unit in zip("xyz", np.eye(3), strict=True):
        if np.allclose(direction, unit):
            return f"{name} (Å)"
    return "along ({:.2f} {:.2f} {:.2f}) (Å)".format(*direction)
