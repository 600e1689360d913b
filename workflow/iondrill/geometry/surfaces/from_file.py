"""Slabs from structure files: turned upright, in one piece, with numbered layers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from iondrill.errors import Problem, UserError
from iondrill.geometry.constraints import fix, fixed_directions, turned
from iondrill.geometry.surfaces.facet import FileSites, site_fractions
from iondrill.geometry.surfaces.two_sided import find_flip

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

LEAST_VACUUM_A = 8.0
ADDED_VACUUM_A = 17.0
"""Height of vacuum that a sheet read from a file without a third cell vector gets."""
UPRIGHT = 1e-4
LAYER_A = 0.3
"""Atoms belong to one layer as long as the next lower one is not farther down than this."""
THICKEST_A = 0.85
"""Tags of a file count its layers only if none of these is thicker: less than the spacing of diamond's (100), more than
buckled dimers of silicon."""


def as_slab(atoms: Atoms, path: Path) -> None:
    """Make a slab of what a file holds, in place: surface normal +z, one piece below the vacuum, tags by layer.

    Fixed atoms stay what the file says. Tags are kept if they count layers from 1 at the top. Sites in ``info`` become
    fractions.

    Parameters
    ----------
    atoms : Atoms
        As read.
    path : Path
        The file, for messages.

    Raises
    ------
    UserError
        If the plane is not periodic, the third edge is not upright on it, there is no vacuum or more than one, the
        file says two_sided of sides that are not equivalent, or a site of ``info`` is not what a recipe could hold.
    """
    if not atoms.pbc[:2].all():
        raise UserError.of(
            path,
            f"is periodic along {[axis for axis, on in zip('abc', atoms.pbc, strict=True) if on]}",
            "allowed for a facet: along a and b, the plane of the surface (pbc T T F or T T T)",
        )
    _turn_upright(atoms, path)
    if atoms.cell.rank == 2:
        atoms.center(vacuum=ADDED_VACUUM_A / 2, axis=2)
    _close(atoms, path)
    if "two_sided" in atoms.info:
        _check_sides(atoms, path)
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
                Problem(f"{path}: info.{'.'.join(map(str, key_path))}", what, allowed)
                for key_path, what, allowed in explain(FileSites, error, content)
            )
        ) from None


def _plain(value: Any) -> Any:
    """Return the lists of which the reader of a file made arrays, where there are any."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _turn_upright(atoms: Atoms, path: Path) -> None:
    """Turn a along x, b into the xy plane and c along +z, and what is fixed with it."""
    a, b, c = atoms.cell.array
    tilt = max(abs(edge @ c) / (np.linalg.norm(edge) * (np.linalg.norm(c) or 1.0)) for edge in (a, b))
    if tilt > UPRIGHT or np.linalg.det(atoms.cell.complete().array) <= 0:
        raise UserError.of(
            path,
            f"has the cell {atoms.cell.array.round(3).tolist()}",
            "allowed for a facet: a right-handed cell with c perpendicular to a and b",
        )
    if abs(atoms.cell.array[:2, 2]).max() > UPRIGHT or abs(atoms.cell.array[2, :2]).max() > UPRIGHT:
        fixed = fixed_directions(atoms, path)
        standard, turn = atoms.cell.standard_form()
        atoms.set_cell(standard, scale_atoms=True)
        fix(atoms, turned(fixed, turn, path))


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
    if (others := np.delete(gaps_A, widest)).max(initial=0.0) >= LEAST_VACUUM_A:
        raise UserError.of(
            path, f"has a gap of {others.max():.2f} Å along c besides the vacuum", "allowed for a facet: one slab"
        )
    lowest_A = order[(widest + 1) % len(order)]
    atoms.positions[:, 2] = (z - lowest_A) % height_A + gaps_A[widest] / 2


def _check_sides(atoms: Atoms, path: Path) -> None:
    """Raise a UserError unless a file that says two_sided has two equivalent sides; take the word away if it is no."""
    said = atoms.info.pop("two_sided")
    if not isinstance(said, (bool, np.bool_)):
        raise UserError.of(f"{path}: info.two_sided", f"found {said!r}", "allowed: T or F")
    if said and find_flip(atoms) is None:
        raise UserError.of(f"{path}: info.two_sided", "no symmetry takes its top to its back", "allowed: F, or no word")
    if said:
        atoms.info["two_sided"] = True


def _layers(atoms: Atoms) -> list[int]:
    """Return the layer of each atom, counted from 1 at the top, of two sides from both; H has that of its neighbour."""
    heavy = np.flatnonzero(atoms.numbers > 1)
    if not len(heavy):
        return [1] * len(atoms)
    z, two_sided = atoms.positions[heavy, 2], bool(atoms.info.get("two_sided"))
    tags = atoms.get_tags()[heavy]
    if not _count_layers(tags, z if not two_sided else np.abs(z - z.mean())):
        order = np.argsort(-z, kind="stable")
        tags[order] = 1 + np.cumsum(-np.diff(z[order], prepend=z[order[0]]) > LAYER_A)
        tags = np.minimum(tags, tags.max() + 1 - tags) if two_sided else tags
    number = dict(zip(heavy.tolist(), tags.tolist(), strict=True))
    return [
        number[index if index in number else int(heavy[atoms.get_distances(index, heavy, mic=True).argmin()])]
        for index in range(len(atoms))
    ]


def _count_layers(tags: NDArray[np.int_], height_A: NDArray[np.float64]) -> bool:
    """Say whether tags (n,) are 1, 2, … from the top, each a thin layer: other programs mark other things by them."""
    if np.unique(tags).tolist() != list(range(1, min(tags.max(), len(tags)) + 1)):
        return False
    layers = [height_A[tags == tag] for tag in range(1, tags.max() + 1)]
    downwards = all(upper.min() > lower.max() for upper, lower in pairwise(layers))
    return downwards and max(map(np.ptp, layers)) <= THICKEST_A
