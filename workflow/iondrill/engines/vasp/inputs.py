"""VASP input: INCAR, KPOINTS, POSCAR and the names of the POTCAR's datasets, never the datasets themselves."""

from __future__ import annotations

from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from iondrill.config.levels import VALENCE_ELECTRONS, VaspLevel
from iondrill.engines.external.box import check_slab, in_box, in_cube
from iondrill.engines.external.templates import render
from iondrill.engines.vasp.ladder import fallbacks
from iondrill.errors import Problem, UserError
from iondrill.geometry.constraints import fixed_directions
from iondrill.jobs.job import ATOM_BOX_A, Md, Relax, Static, unpaired_electrons

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.vasp.ladder import Fallback
    from iondrill.jobs.job import Job

INCAR, KPOINTS, POSCAR, POTCAR_SPEC = "INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"
ORDER = "ase-sort.dat"
ION_MOMENT, OTHER_MOMENT = 1.0, 0.2
"""Starting moments: an electron on the ion, and enough elsewhere for dangling bonds to polarise."""
IONS = {"Li", "Na", "K"}
TETRAHEDRA = -5
NEAR_EDGE = 1e-4


def render_inputs(
    job: Job,
    atoms: Atoms,
    *,
    boxed: Atoms | None = None,
    nsw: int | None = None,
    fallback: Fallback | None = None,
    from_orbitals: bool = False,
) -> dict[str, str]:
    """Return the text of each input file by its name.

    Parameters
    ----------
    job : Job
        At a level of engine vasp: a relaxation or a single point.
    atoms : Atoms
        The start geometry. A cluster is centred in a cube, an atom in a box of `ATOM_BOX_A`.
    boxed : Atoms, optional
        The geometry of this run in VASP's cell, by default that of the job.
    nsw : int, optional
        Ionic steps of a relaxation, by default those of the job.
    fallback : Fallback, optional
        Of the SCF ladder, by default the first.
    from_orbitals : bool
        Whether the folder holds a WAVECAR to start from.

    Returns
    -------
    dict of str to str
        INCAR, KPOINTS, POSCAR, POTCAR.spec, and ase-sort.dat, which maps the POSCAR's order back.

    Raises
    ------
    UserError
        If an element has no PAW dataset, or task, charge or multiplicity is not offered.
    """
    if not isinstance(job.level, VaspLevel):
        raise TypeError(f"level '{job.level_name}' is of engine {job.level.engine}")
    level, symbols = job.level, atoms.get_chemical_symbols()
    _check(job, level, symbols)
    boxed = in_vasp_cell(job, atoms) if boxed is None else boxed
    order = species_order(symbols)
    poscar = boxed[order]
    fallback = fallback or fallbacks(job)[0]
    kpoints = level.kpoints if job.sampled else (1, 1, 1)
    incar = render(
        "vasp",
        "INCAR.j2",
        job=job,
        level=level,
        task=job.task,
        title=level.title.replace("Γ", "Gamma"),
        input_hash=job.input_hash(atoms),
        system=job.name,
        magmom=_magmom(job, poscar),
        nupdown=None if job.multiplicity is None else job.multiplicity - 1,
        dipole_origin=(boxed.get_center_of_mass() @ np.linalg.inv(boxed.cell.array) % 1).tolist(),
        wavefunction=isinstance(job.task, Static) and job.task.wavefunction,
        # tetrahedra need four k-points
        ismear=0 if level.ismear == TETRAHEDRA and np.prod(kpoints) < 4 else level.ismear,
        nsw=job.task.max_steps if nsw is None and isinstance(job.task, Relax) else nsw,
        rung=fallback,  # the name in the template, whose text is part of a job's hash
        from_orbitals=from_orbitals,
    )
    datasets = [level.potcars[symbol] for symbol in dict.fromkeys(poscar.get_chemical_symbols())]
    return {
        INCAR: incar,
        KPOINTS: render("vasp", "KPOINTS.j2", job=job, kpoints=kpoints),
        POSCAR: _poscar(poscar),
        POTCAR_SPEC: "\n".join(datasets) + "\n",
        ORDER: "".join(f"{new:5d} {back:5d}\n" for new, back in zip(order, np.argsort(order), strict=True)),
    }


def _check(job: Job, level: VaspLevel, symbols: list[str]) -> None:
    """Raise a UserError for all that VASP is not offered for."""
    problems = [
        Problem(
            f"level '{job.level_name}'",
            f"no PAW dataset for {element}",
            f"allowed: {', '.join(sorted(set(level.potcars) & set(VALENCE_ELECTRONS)))}; or an entry in potcars",
        )
        for element in dict.fromkeys(symbols)
        if element not in level.potcars or element not in VALENCE_ELECTRONS
    ]
    if isinstance(job.task, Md):
        problems.append(Problem(job.name, "engine vasp does no molecular dynamics here", "allowed: relax, static"))
    if job.charge:
        problems.append(Problem(job.name, f"charge {job.charge} with engine vasp", "allowed: 0"))
    if not problems:
        try:
            unpaired_electrons(job, sum(VALENCE_ELECTRONS[symbol] for symbol in symbols))
        except ValueError as error:
            problems.append(Problem(job.name, str(error), "allowed: 2S+1 of the parity of the electrons"))
    if problems:
        raise UserError(*problems)


def in_vasp_cell(job: Job, atoms: Atoms) -> Atoms:
    """Return the geometry as VASP gets it, in the job's order of atoms."""
    if job.kind == "slab":
        check_slab(atoms)
    if job.sampled:
        return atoms
    return in_box(atoms, ATOM_BOX_A) if job.kind == "atom" else in_cube(atoms)


def species_order(symbols: list[str]) -> NDArray[np.int_]:
    """Return the atoms sorted by element, otherwise in their order: ``poscar = atoms[order]``."""
    return np.argsort(symbols, kind="stable")


def read_order(folder: Path) -> NDArray[np.int_]:
    """Return how to sort results of VASP back: ``forces = vasp_forces[back]``.

    Raises
    ------
    UserError
        If the record is missing or is no permutation.
    """
    path = folder / ORDER
    try:
        back = np.loadtxt(path, dtype=int, ndmin=2)[:, 1]
    except (OSError, ValueError, IndexError) as error:
        raise UserError.of(path, f"cannot be read: {error}") from None
    if sorted(back) != list(range(len(back))):
        raise UserError.of(path, "does not hold every atom once")
    return np.asarray(back)


def _magmom(job: Job, poscar: Atoms) -> str:
    """Return starting moments in the order of the POSCAR, runs of equal ones as ``4*0.2``."""
    symbols = poscar.get_chemical_symbols()
    if job.kind == "atom":
        unpaired = unpaired_electrons(job, sum(VALENCE_ELECTRONS[symbol] for symbol in symbols))
        return f"{float(unpaired)}"
    moments = [ION_MOMENT if symbol in IONS else OTHER_MOMENT for symbol in symbols]
    return " ".join(f"{len(list(run))}*{moment}" for moment, run in groupby(moments))


def along_edges(atoms: Atoms, fixed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return along which edges of the cell atoms are fixed, shape (n, 3): what the flags of a POSCAR mean.

    Parameters
    ----------
    atoms : Atoms
        With the cell.
    fixed : (n, 3) bool array
        Along x, y and z.

    Raises
    ------
    UserError
        If an atom may move in directions that no edges of the cell span.
    """
    flags = fixed.copy()
    for mask in np.unique(fixed[fixed.any(axis=1) & ~fixed.all(axis=1)], axis=0):
        # an edge is free if it has no part along what is fixed
        edges = np.abs(atoms.cell.array[:, mask]).max(axis=1) > NEAR_EDGE * atoms.cell.lengths()
        if edges.sum() != mask.sum():
            axes = "".join(axis for axis, on in zip("xyz", mask, strict=True) if on)
            cell = atoms.cell.array.round(3).tolist()
            raise UserError.of(
                "atoms fixed in part",
                f"fixed along {axes}, which the flags of a POSCAR cannot say in the cell {cell}",
                "allowed with engine vasp: atoms fixed as a whole, or along edges of the cell",
            )
        flags[(fixed == mask).all(axis=1)] = edges
    return flags


def _poscar(poscar: Atoms) -> str:
    """Return the POSCAR, in fractional coordinates, with selective dynamics where atoms are fixed."""
    from ase.constraints import FixScaled
    from ase.io.vasp import write_vasp

    flags = along_edges(poscar, fixed_directions(poscar))
    poscar = poscar.copy()
    # of FixCartesian ASE writes nothing
    poscar.set_constraint([FixScaled(int(i), flags[i]) for i in np.flatnonzero(flags.any(axis=1))])
    text = StringIO()
    write_vasp(text, poscar, direct=True, vasp5=True)
    return text.getvalue()
