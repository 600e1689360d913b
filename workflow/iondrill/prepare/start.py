"""Start geometries that are made from other results: a frame, an isolated atom, a slab with an ion."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from iondrill.errors import UserError, nearest
from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.constraints import fix
from iondrill.geometry.labels import set_fragment
from iondrill.jobs.job import ATOM_BOX_A
from iondrill.prepare.site_cache import sites_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from iondrill.geometry.surfaces.sites import Site
    from iondrill.jobs.name import Subject

NO_START = "a part of the start structure did not converge"
"""Why nothing is run from an assembly whose file is empty."""


def isolated_atom(symbol: str) -> Atoms:
    """Return one atom in a box of three different edges, so that no symmetry is forced on it."""
    atoms = Atoms(symbol, cell=ATOM_BOX_A, pbc=False)
    atoms.center()
    set_fragment(atoms, "adsorbate")
    return atoms


def slab_with_ions(built: Atoms, relaxed: Atoms, subject: Subject, sites: Sequence[Site] | None = None) -> Atoms:
    """Put ions on a site of a relaxed slab.

    Parameters
    ----------
    built : Atoms
        The slab as built: its exact symmetry names the sites.
    relaxed : Atoms
        The same slab, relaxed.
    subject : Subject
        Which ions, how many, and the label of one of the sites of `built`.
    sites : sequence of Site, optional
        Those of `built`, if they are known.

    Raises
    ------
    UserError
        If there is no such site.
    """
    from iondrill.geometry.surfaces.adsorbate import add_adsorbate
    from iondrill.geometry.surfaces.sites import find_sites

    by_label = {site.label: site for site in (find_sites(built) if sites is None else sites)}
    if subject.site not in by_label:
        raise UserError.of("site", f"there is no site '{subject.site}'", nearest(subject.site, by_label))
    return add_adsorbate(relaxed, by_label[subject.site], subject.ion, subject.n, built=built)


def with_fixed_edge(atoms: Atoms, fixed: str) -> Atoms:
    """Return the start of dynamics with the atoms fixed that ``md.fix`` names, and no others.

    Parameters
    ----------
    atoms : Atoms
        An assembly, with the array far_edge; without, nothing is fixed.
    fixed : str
        ``far_edge`` or ``none``.
    """
    atoms, whole = atoms.copy(), np.zeros(len(atoms), dtype=bool)
    if fixed == "far_edge":
        whole |= atoms.arrays.get("far_edge", whole)
    fix(atoms, np.repeat(whole[:, None], 3, axis=1))
    return atoms


def damage(before: Atoms, after: Atoms) -> str:
    """Say why a relaxed geometry cannot replace the one it was relaxed from; nothing if it can.

    Of a slab, every bond must still be there and none be new. A cluster or a flake may reconstruct, but must not fall
    into more pieces. Bonds to ions do not count.
    """
    pairs = [_bonds(atoms) for atoms in (before, after)]
    if before.pbc.any():
        (broken, new) = (len(pairs[k] - pairs[1 - k]) for k in (0, 1))
        return f"{broken} bonds broke and {new} are new" if broken or new else ""
    pieces = [_pieces(bonds, len(before)) for bonds in pairs]
    return f"it fell apart, from {pieces[0]} into {pieces[1]} pieces" if pieces[1] > pieces[0] else ""


def _bonds(atoms: Atoms) -> set[tuple[int, int]]:
    """Return the pairs of bonded atoms, without ions."""
    ion = np.isin(atoms.arrays["fragment"], ["ion", "adsorbate"])
    bonds = find_bonds(atoms)
    covalent = (bonds.first < bonds.second) & ~ion[bonds.first] & ~ion[bonds.second]
    return set(zip(bonds.first[covalent].tolist(), bonds.second[covalent].tolist(), strict=True))


def _pieces(bonds: set[tuple[int, int]], n_atoms: int) -> int:
    """Return the number of pieces that bonds make of atoms."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.array(sorted(bonds), dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_atoms, n_atoms))
    return int(connected_components(graph, directed=False, return_labels=False))


def left_site(before: Atoms, after: Atoms, built: Atoms) -> str:
    """Say to which site of a slab an ion has moved; nothing if it stayed.

    Parameters
    ----------
    before, after : Atoms
        Slab and ion, the ion on a site and relaxed.
    built : Atoms
        The slab as built: its exact symmetry names the sites.
    """
    from iondrill.geometry.surfaces.adsorbate import relaxed_sites
    from iondrill.geometry.surfaces.sites import find_sites

    positions = {site.label: site.fractions @ built.cell.array[:2] for site in find_sites(built)}
    was, now = (relaxed_sites(atoms, positions) for atoms in (before, after))
    return "" if was == now else f"the ion moved from {', '.join(was)} to {', '.join(now)}"


def as_built(subject: Subject, built: Atoms | None) -> Atoms:
    """Return the start geometry of a job before anything was run.

    Parameters
    ----------
    subject : Subject
        What the job computes.
    built : Atoms or None
        The structure as built; None for an atom.
    """
    if built is None:
        return isolated_atom(subject.ion)
    if not subject.ion:
        return built
    return slab_with_ions(built, built, subject, sites_of(built))


def varied(subject: Subject, recipes: Path, changes: Mapping[str, float]) -> Atoms:
    """Return a start geometry as built, with other layers or another vacuum than its recipe gives it.

    Parameters
    ----------
    subject : Subject
        As for `as_built`.
    recipes : Path
        The folder ``structures``.
    changes : mapping
        ``layers``, of a facet; ``vacuum_A``: above a slab without ion, in the cube around a cluster, and the shortest
        of the three edges around an atom.

    Raises
    ------
    UserError
        If the structure cannot be built so.
    """
    is_slab, built = subject.is_facet, None
    if subject.recipe is not None:
        from iondrill.geometry.registry import build

        built = build(subject.recipe, recipes, {key: value for key, value in changes.items() if key == "layers"})
    vacuum_A = changes.get("vacuum_A")
    if vacuum_A is not None and built is not None and is_slab:
        built.center(vacuum=vacuum_A / 2, axis=2)
        built.wrap(eps=1e-6)
    atoms = as_built(subject, built)
    if vacuum_A is not None and built is None:
        atoms.set_cell(np.array(ATOM_BOX_A) - min(ATOM_BOX_A) + vacuum_A, scale_atoms=False)
        atoms.center()
    elif vacuum_A is not None and not is_slab:
        atoms.set_cell([np.ptp(atoms.positions, axis=0).max() + vacuum_A] * 3, scale_atoms=False)
    return atoms


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
