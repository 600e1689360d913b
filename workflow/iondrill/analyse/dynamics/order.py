"""Order parameters of a nanodiamond at the edge of a lithiated bilayer; docs/order-parameters.md has the formulas.

All are read in the frame of the flake: the rotation that best lays the flake's carbon of the start structure over
that of the frame at hand carries the axes of the start (layers in the xy plane, insertion along +x) along. So
nothing depends on how the whole drifts or turns. Positions must not be wrapped into the box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.columns import TableForm, number
from iondrill.analyse.dynamics.neighbours import Contacts, contacts
from iondrill.analyse.tables import write_table
from iondrill.geometry.layers import flake_axes, gap, layer_normal, opening_angle, outside, penetration
from iondrill.geometry.selection import Selection, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.collect.xyz import Chunk

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

CC_BOND_A = 1.85
"""Two C nearer than this are bonded: half-way between a bond (1.54) and second neighbours (2.2 and more)."""

CH_BOND_A = 1.30

ORDER = TableForm[Columns](
    "a frame; what a run does not have (nanodiamond, ions, second layer) stays empty",
    (
        number("step", "of the frame, as far as the trajectory says it"),
        number("time_fs", "the same"),
        number(
            "temperature_K",
            r"$2K/(f k_B)$ of all atoms that may move, with each free body about its own motion as a whole: a launched "
            r"nanodiamond is one, and all else another unless an atom of it is fixed; each takes 3 of the $f$ degrees "
            r"of freedom. A launch is no heat, and the thermostat of engine xtb leaves it alone too; that of CP2K "
            r"counts and damps it",
        ),
        number("potential_eV", "potential energy, as far as the trajectory says it"),
        number("conserved_eV", "the conserved quantity, the same"),
        number(
            "gap_edge_A",
            r"$\hat n \cdot (\bar r_\text{upper} - \bar r_\text{lower})$ of the edge carbon, "
            r"$\hat n = (\hat n_\text{lower} + \hat n_\text{upper})$ normalised",
            heading="gap at the edge",
        ),
        number("gap_centre_A", "the same of the centre carbon", heading="gap at the centre"),
        number(
            "opening_angle_deg",
            r"$\alpha_\text{upper} - \alpha_\text{lower}$, "
            r"$\alpha = \operatorname{atan2}(\hat n\cdot\hat x, \hat n\cdot\hat z)$; positive if open towards the "
            r"nanodiamond",
            heading="opening angle",
        ),
        number(
            "penetration_A",
            r"$\max_{nd} r\cdot\hat x - \overline{r_\text{edge}\cdot\hat x}$: how far the foremost carbon of the "
            r"nanodiamond is past the edge; negative outside",
            heading="tip of the nanodiamond past the edge",
        ),
        number(
            "nd_flake_bonds",
            "pairs of C, one of the nanodiamond and one of the flake, nearer than 1.85 Å",
            heading="bonds of nanodiamond and flake",
        ),
        number(
            "nd_sp3_fraction",
            "fraction of the nanodiamond's C with four neighbours (C nearer than 1.85 Å, H nearer than 1.30 Å)",
            heading="fourfold share of the nanodiamond's C",
        ),
        number(
            "ion_carbon_cn",
            "mean over the ions of the number of C nearer than 2.86 (Li), 3.14 (Na), 3.47 Å (K): half-way between the "
            "first and second ring around a hexagon's centre",
            heading="C around an ion",
        ),
        number(
            "ions_expelled",
            "ions more than 2 Å outside the outline (the convex hull of the flake's carbon in the start structure, in "
            "the flake's xy plane), or more than 1 Å above the upper or below the lower layer's plane",
            heading="ions outside the flake",
        ),
    ),
)
"""``order_parameters.csv``, of which the frames come by columns."""


class Observed(NamedTuple):
    """What some frames show.

    Attributes
    ----------
    columns : dict of (n_frames,) array
        By name in `ORDER`; without those of a nanodiamond, ions or second layer that are not there.
    bonds : Contacts
        Of the C of the nanodiamond with those of the flake; no pairs without one.
    outside : (n_frames, n_ions) bool array
        Which ions have left the flake.
    """

    columns: Columns
    bonds: Contacts
    outside: NDArray[np.bool_]


def geometry(positions_A: Floats, selection: Selection) -> Observed:
    """Return what positions decide.

    Bonds between nanodiamond and flake are pairs of C nearer than 1.85 Å. A C of the nanodiamond is sp³ if it has
    four neighbours: C nearer than 1.85 Å, H nearer than 1.30 Å. An ion's coordination number is the number of all C
    nearer than 2.86 (Li), 3.14 (Na) or 3.47 Å (K); its mean over the ions is given.

    Parameters
    ----------
    positions_A : (n_frames, n_atoms, 3) array
        Some frames.
    selection : Selection
        From `select`.
    """
    lower, upper = selection.lower, selection.upper
    axes = flake_axes(positions_A[:, selection.flake], selection.reference_A)
    columns: Columns = {}
    normals: list[Floats] = []
    if upper is not None:
        normals = [layer_normal(positions_A[:, layer.carbon], axes[:, :, 2]) for layer in (lower, upper)]
        columns["gap_edge_A"] = gap(positions_A[:, lower.edge], positions_A[:, upper.edge], *normals)
        columns["gap_centre_A"] = gap(positions_A[:, lower.centre], positions_A[:, upper.centre], *normals)
        columns["opening_angle_deg"] = opening_angle(normals[0], normals[1], axes)
    nd, ions = positions_A[:, selection.nd], positions_A[:, selection.ions]
    bonds = contacts(nd, positions_A[:, selection.sheets], CC_BOND_A)
    if n_nd := len(selection.nd):
        edge = positions_A[:, np.concatenate([layer.edge for layer in selection.layers])]
        columns["penetration_A"] = penetration(nd, edge, axes)
        neighbours = bonds.of_first(n_nd) + contacts(nd, nd, CC_BOND_A).of_first(n_nd)
        neighbours += contacts(nd, positions_A[:, selection.hydrogen], CH_BOND_A).of_first(n_nd)
        columns["nd_flake_bonds"] = bonds.touching.sum(axis=1)
        columns["nd_sp3_fraction"] = (neighbours == 4).mean(axis=1)
    out = np.zeros((len(positions_A), 0), dtype=bool)
    if n_ions := len(selection.ions):
        out = outside(positions_A, axes, normals, selection)
        near = contacts(ions, positions_A[:, selection.carbon], selection.contact_A)
        columns["ion_carbon_cn"] = near.touching.sum(axis=1) / n_ions
        columns["ions_expelled"] = out.sum(axis=1)
    return Observed(columns, bonds, out)


def order_parameters(chunks: Iterable[Chunk], atoms: Atoms) -> Iterator[Observed]:
    """Yield what the frames of a trajectory show, in one pass.

    Parameters
    ----------
    chunks : iterable of dict of arrays
        From `iondrill.collect.readers`.
    atoms : Atoms
        The start structure: species, the array fragment, layers in the xy plane and nanodiamond at smaller x.

    Yields
    ------
    Observed
        For each chunk; step, time, temperature and energies, where the trajectory has them, are among the columns.

    Raises
    ------
    UserError
        If the structure has no flake; or what the chunks raise.
    """
    selection = select(atoms, atoms.positions)
    for chunk in chunks:
        seen = geometry(chunk["positions_A"], selection)
        yield seen._replace(columns={name: chunk[name] for name in ORDER.names if name in chunk} | seen.columns)


def write_order(parts: Iterable[Columns], path: Path) -> None:
    """Write ``order_parameters.csv`` as the parts come; what they do not have stays empty."""
    write_table(path, ORDER.names, (row for part in parts for row in _rows(part)))


def _rows(columns: Columns) -> Iterator[tuple[float | None, ...]]:
    n_frames = len(columns["step"])
    lists = [_cells(columns[name]) if name in columns else [None] * n_frames for name in ORDER.names]
    return zip(*lists, strict=True)


def _cells(values: NDArray[Any]) -> list[float | None]:
    """Return the cells of a column: None for NaN, what a frame does not say."""
    cells: list[float | None] = values.tolist()
    return [None if cell != cell else cell for cell in cells] if np.isnan(values).any() else cells  # noqa: PLR0124
