"""Start geometries that are made from other results: a frame, an isolated atom, a slab with an ion."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ase import Atoms

from iondrill.build.labels import set_fragment
from iondrill.errors import UserError, nearest

if TYPE_CHECKING:
    from pathlib import Path

ATOM_BOX_A = (12.0, 13.0, 14.0)


def isolated_atom(symbol: str) -> Atoms:
    """Return one atom in a box of three different edges, so that no symmetry is forced on it."""
    atoms = Atoms(symbol, cell=ATOM_BOX_A, pbc=False)
    atoms.center()
    set_fragment(atoms, "adsorbate")
    return atoms


def slab_with_ion(built: Atoms, relaxed: Atoms, site_label: str, ion: str) -> Atoms:
    """Put an ion on a site of a relaxed slab.

    Parameters
    ----------
    built : Atoms
        The slab as built: its exact symmetry names the sites.
    relaxed : Atoms
        The same slab, relaxed.
    site_label : str
        One of the sites of `built`.
    ion : str
        Chemical symbol.

    Raises
    ------
    UserError
        If there is no such site.
    """
    from iondrill.build.sites import add_adsorbate, find_sites

    sites = {site.label: site for site in find_sites(built)}
    if site_label not in sites:
        raise UserError.of("site", f"there is no site '{site_label}'", nearest(site_label, sites))
    return add_adsorbate(relaxed, sites[site_label], ion)


def as_built(subject: str, built: Atoms | None) -> Atoms:
    """Return the start geometry of a job before anything was run.

    Parameters
    ----------
    subject : str
        The job's name without its level: ``atom.Li``, ``C100-2x1.Li-cave``, ``nd29``, …
    built : Atoms or None
        The structure as built; None for an atom.
    """
    _, _, second = subject.partition(".")
    if built is None:
        return isolated_atom(second)
    ion, dash, site = second.partition("-")
    return slab_with_ion(built, built, site, ion) if dash else built


def frame(trajectory: Path, step: int, template: Atoms) -> Atoms:
    """Return the frame of a step, with the labels and fixed atoms of the structure the run began with.

    Raises
    ------
    UserError
        If the trajectory cannot be read, has no such step, or is one of other atoms.
    """
    from ase.io.trajectory import Trajectory

    try:
        with Trajectory(trajectory) as frames:
            index = bisect_left(range(len(frames)), step, key=lambda k: frames[k].info["step"])
            found = frames[index] if index < len(frames) else None
    except Exception as error:  # noqa: BLE001  (ASE raises many kinds for a damaged file)
        raise UserError.of(trajectory, f"cannot be read as a trajectory: {error}") from None
    if found is None or found.info["step"] != step:
        raise UserError.of(trajectory, f"has no step {step}")
    if found.get_chemical_symbols() != template.get_chemical_symbols():
        raise UserError.of(trajectory, f"holds {found.symbols}", f"allowed: {template.symbols}")
    atoms = template.copy()
    atoms.set_positions(found.positions, apply_constraint=False)
    return atoms


def part(atoms: Atoms, name: str) -> Atoms:
    """Return a part of a frame where it is: ``nd``, the nanodiamond, or ``rest``, all but that.

    Raises
    ------
    UserError
        If the frame has no such atoms.
    """
    nd = atoms.arrays["fragment"] == "nd"
    chosen = nd if name == "nd" else ~nd
    if not chosen.any():
        raise UserError.of(name, "the frame has no such atoms", "needed: a nanodiamond and a flake")
    return atoms[chosen]
