"""Slabs from structure files: turned upright, in one piece, with numbered layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from iondrill.build.facet import FileSites, site_fractions
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

LEAST_VACUUM_A = 8.0
VACUUM_A = 17.0
UPRIGHT = 1e-4
LAYER_A = 0.3
"""Atoms belong to one layer as long as the next lower one is not farther down than this."""


def as_slab(atoms: Atoms, path: Path) -> None:
    """Make a slab of what a file holds, in place: surface normal +z, one piece below the vacuum, tags by layer.

    Fixed atoms stay what the file says. Tags are kept if the file has any. Sites in ``info`` become fractions.

    Parameters
    ----------
    atoms : Atoms
        As read.
    path : Path
        The file, for messages.

    Raises
    ------
    UserError
        If the plane is not periodic, the third edge is not upright on it, there is no vacuum, or a site of ``info``
        is not what a recipe could hold.
    """
    if not atoms.pbc[:2].all():
        raise UserError.of(
            path,
            f"is periodic along {[axis for axis, on in zip('abc', atoms.pbc, strict=True) if on]}",
            "allowed for a facet: along a and b, the plane of the surface (pbc T T F or T T T)",
        )
    _turn_upright(atoms, path)
    if atoms.cell.rank == 2:
        atoms.center(vacuum=VACUUM_A / 2, axis=2)
    _close(atoms, path)
    if not atoms.get_tags().any():
        atoms.set_tags(_layers(atoms))
    if "sites" in atoms.info:
        atoms.info["sites"] = site_fractions(_own_sites(atoms.info["sites"], path).sites, atoms.cell.array)


def _own_sites(found: Any, path: Path) -> FileSites:
    """Check the sites that a file holds as if they stood in a recipe."""
    content = {"sites": _plain(found)}
    try:
        return FileSites.model_validate(content)
    except ValidationError as error:
        from iondrill.config.explain import explain

        raise UserError(
            *(
                Problem(f"{path}: info.{'.'.join(map(str, place))}", what, allowed)
                for place, what, allowed in explain(FileSites, error, content)
            )
        ) from None


def _plain(value: Any) -> Any:
    """Return the lists of which the reader of a file made arrays, where there are any."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _turn_upright(atoms: Atoms, path: Path) -> None:
    """Turn a along x, b into the xy plane and c along +z."""
    a, b, c = atoms.cell.array
    tilt = max(abs(edge @ c) / (np.linalg.norm(edge) * (np.linalg.norm(c) or 1.0)) for edge in (a, b))
    if tilt > UPRIGHT or np.linalg.det(atoms.cell.complete().array) <= 0:
        raise UserError.of(
            path,
            f"has the cell {atoms.cell.array.round(3).tolist()}",
            "allowed for a facet: a right-handed cell with c perpendicular to a and b",
        )
    if abs(atoms.cell.array[:2, 2]).max() > UPRIGHT or abs(atoms.cell.array[2, :2]).max() > UPRIGHT:
        standard, _ = atoms.cell.standard_form()
        atoms.set_cell(standard, scale_atoms=True)


def _close(atoms: Atoms, path: Path) -> None:
    """Put the largest gap along z half below and half above the slab."""
    height_A = atoms.cell[2, 2]
    z = atoms.positions[:, 2] % height_A
    order = np.sort(z)
    gaps_A = np.diff([*order, order[0] + height_A])
    widest = int(gaps_A.argmax())
    if gaps_A[widest] < LEAST_VACUUM_A:
        raise UserError.of(
            path,
            f"leaves {gaps_A[widest]:.2f} Å between the atoms along c",
            f"allowed for a facet: at least {LEAST_VACUUM_A:.0f} Å of vacuum",
        )
    lowest_A = order[(widest + 1) % len(order)]
    atoms.positions[:, 2] = (z - lowest_A) % height_A + gaps_A[widest] / 2


def _layers(atoms: Atoms) -> list[int]:
    """Return the layer of each atom, counted from 1 at the top; H has that of the nearest heavy atom."""
    heavy = np.flatnonzero(atoms.numbers > 1)
    downwards = heavy[np.argsort(-atoms.positions[heavy, 2], kind="stable")]
    steps_A = -np.diff(atoms.positions[downwards, 2], prepend=atoms.positions[downwards[0], 2])
    number = dict(zip(downwards.tolist(), (1 + np.cumsum(steps_A > LAYER_A)).tolist(), strict=True))
    return [
        number[index if index in number else int(heavy[atoms.get_distances(index, heavy, mic=True).argmin()])]
        for index in range(len(atoms))
    ]
