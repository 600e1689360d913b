"""CP2K input: one file, ``job.inp``, that holds everything but CP2K's own basis sets and potentials."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase.units import Bohr, Hartree, fs

from iondrill.config.cp2k_elements import cp2k_elements
from iondrill.config.levels import Cp2kLevel
from iondrill.engines.cp2k.charges import SCHEMES
from iondrill.engines.cp2k.ladder import Diagonalisation, OrbitalTransformation, fallbacks
from iondrill.engines.embedded.velocities import nanodiamond, start_velocities
from iondrill.engines.external.box import check_slab, in_box, in_cube, off_the_fold
from iondrill.engines.external.templates import render
from iondrill.errors import Problem, UserError
from iondrill.geometry.constraints import fixed_atoms, partly_fixed
from iondrill.jobs.job import ATOM_BOX_A, BOX_VACUUM_A, Md, Relax, Static, unpaired_electrons

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms

    from iondrill.engines.cp2k.charges import Scheme
    from iondrill.jobs.job import Job

PROJECT = "job"
INPUT = f"{PROJECT}.inp"
OT_CYCLES = 25
BFGS_UP_TO_ATOMS = 300
"""Atoms above which the Hessian of BFGS costs more than it gains."""
ATOMIC_TIME = 2.4188843265864e-2 * fs


class Resume(NamedTuple):
    """What the next attempt resumes from: files of earlier ones, as paths from its folder; None for none.

    Attributes
    ----------
    step
        Steps done.
    restart
        Positions, velocities, thermostat, step.
    guess
        The wavefunction.
    hessian
        Of BFGS.
    """

    step: int = 0
    restart: str | None = None
    guess: str | None = None
    hessian: str | None = None


def render_input(
    job: Job,
    atoms: Atoms,
    *,
    walltime_s: int | None = None,
    fallback: OrbitalTransformation | Diagonalisation | None = None,
    resume: Resume = Resume(),  # noqa: B008  (immutable)
) -> str:
    """Return the CP2K input of a job.

    Parameters
    ----------
    job : Job
        At a level of engine cp2k.
    atoms : Atoms
        The start geometry, with ``fragment`` labels and what is fixed. A cluster is centred in a cube.
    walltime_s : int, optional
        When CP2K shall end by itself, in s.
    fallback : OrbitalTransformation or Diagonalisation, optional
        How to drive the SCF; by default the first entry of the ladder.
    resume : Resume
        What to resume from.

    Returns
    -------
    str
        The file's text.

    Raises
    ------
    UserError
        If an element has no basis set or potential, the multiplicity does not fit the electrons, the cell does
        not fit the kind of job, or the task is not offered for a slab.
    """
    if not isinstance(job.level, Cp2kLevel):
        raise TypeError(f"level '{job.level_name}' is of engine {job.level.engine}")
    if job.sampled and isinstance(job.task, Static) and job.task.wavefunction:
        raise UserError.of(
            job.name, "CP2K writes no orbitals with k-points", "allowed: wavefunction of clusters, atoms"
        )
    level, symbols = job.level, atoms.get_chemical_symbols()
    basis_file, kinds = _parameters(job, level, symbols)
    fallback = fallback or fallbacks(job)[0]
    electrons = sum(kinds[symbol] for symbol in symbols)
    restricted = job.sampled and job.multiplicity is None and (level.restricted_slabs or fallback.restricted)
    try:
        unpaired = 0 if restricted else unpaired_electrons(job, electrons)
    except ValueError as error:
        raise UserError.of(job.name, str(error), "allowed: 2S+1 of the parity of the electrons") from None
    boxed = in_cp2k_cell(job, atoms)
    return render(
        "cp2k",
        f"{job.task.task}.inp.j2",
        project=PROJECT,
        job=job,
        level=level,
        task=job.task,
        input_hash=job.input_hash(atoms),
        walltime_s=walltime_s,
        basis_file=basis_file,
        kinds=kinds,
        gapw=own_grid_elements(job, level, kinds),
        schemes=charge_schemes(job, atoms),
        too_coarse=too_coarse(level, kinds, own_grid=own_grid(job)),
        unpaired=unpaired,
        own_guess=reads_own_guess(job),
        periodicity="sampled" if job.sampled else "isolated" if is_alone(job) else "atom",
        eps_default=f"{min(1e-10, level.eps_scf**2):.1E}",
        resume=resume,
        rung=fallback,  # the name in the templates, whose text is part of a job's hash
        **_scf(level, fallback, electrons),
        cell=boxed.cell.tolist(),
        symbols=symbols,
        positions=boxed.positions.tolist(),
        **_motion(job, atoms),
    )


def is_alone(job: Job) -> bool:
    """Say whether CP2K's box has no images: a cluster's, unless its level says otherwise."""
    return job.kind == "cluster" and not (isinstance(job.level, Cp2kLevel) and job.level.poisson == "PERIODIC")


def reads_own_guess(job: Job) -> bool:
    """Say whether each SCF of a job begins with what the one before left in the job's own restart file, if it did."""
    return job.sampled and isinstance(job.task, Relax)


def own_grid(job: Job) -> bool:
    """Say whether a job puts its level's `gapw` elements on grids of their own: CP2K's charges miss what is there."""
    return isinstance(job.task, Relax) or (isinstance(job.task, Static) and not job.task.wavefunction)


def own_grid_elements(job: Job, level: Cp2kLevel, elements: Iterable[str]) -> list[str]:
    """Return those elements of a job that are on grids of their own."""
    return [element for element in dict.fromkeys(elements) if own_grid(job) and element in level.gapw]


def charge_schemes(job: Job, atoms: Atoms) -> tuple[Scheme, ...]:
    """Return which charges the result of a job carries, besides those in the frames of molecular dynamics.

    Single points with a wavefunction give all, relaxed slabs Hirshfeld's. Slabs with an element on a grid of its own
    have none: CP2K takes charges from the grid of the box, and misses what is there.
    """
    if isinstance(job.task, Static):
        return SCHEMES if job.task.wavefunction else ()
    relaxed_slab = isinstance(job.task, Relax) and job.kind == "slab"
    return ("Hirshfeld",) if relaxed_slab and not without_charges(job, atoms) else ()


def without_charges(job: Job, atoms: Atoms) -> list[str]:
    """Return the elements for whose sake a relaxed slab is given no charges: those on grids of their own."""
    if not (isinstance(job.level, Cp2kLevel) and isinstance(job.task, Relax) and job.kind == "slab"):
        return []
    return own_grid_elements(job, job.level, atoms.get_chemical_symbols())


def too_coarse(level: Cp2kLevel, elements: Iterable[str], *, own_grid: bool) -> dict[str, float]:
    """Return the elements whose energies need a higher cutoff than the level's, and that cutoff in Ry.

    Parameters
    ----------
    level : Cp2kLevel
        With its cutoff.
    elements : iterable of str
        Chemical symbols.
    own_grid : bool
        Whether those of the level's `gapw` are on grids of their own, to which the cutoff does not apply.
    """
    advised = cp2k_elements().cutoffs_Ry
    on_grid = (element for element in elements if not (own_grid and element in level.gapw))
    return {element: advised[element] for element in on_grid if advised.get(element, 0) > level.cutoff_Ry}


def _parameters(job: Job, level: Cp2kLevel, symbols: list[str]) -> tuple[str, dict[str, int]]:
    """Return the file of the basis set, and the valence electrons of each element's potential."""
    table = cp2k_elements(level.basis)
    offered = table.offered(level.basis)
    elements = list(dict.fromkeys(symbols))
    missing = [
        Problem(
            f"level '{job.level_name}'", f"no {level.basis} basis set for {element}", f"allowed: {', '.join(offered)}"
        )
        for element in elements
        if element not in offered
    ]
    if missing:
        raise UserError(*missing)
    return table.basis_sets[level.basis].file, {element: table.potentials[element] for element in elements}


def valence_electrons(job: Job, atoms: Atoms) -> dict[str, int]:
    """Return the valence electrons of each element of a structure: the q of its potential."""
    if not isinstance(job.level, Cp2kLevel):
        raise TypeError(f"level '{job.level_name}' is of engine {job.level.engine}")
    return _parameters(job, job.level, atoms.get_chemical_symbols())[1]


def in_cp2k_cell(job: Job, atoms: Atoms) -> Atoms:
    """Return the geometry as CP2K gets it, moved as a whole: a cluster is put in a cube, an atom in its box.

    Slabs and crystals are moved away from where CP2K folds atoms back into the cell. One that crosses it goes over to
    another cell, and the density matrix of the k-points, which knows atoms by their cells, is no first guess any more.
    """
    if job.kind == "slab":
        check_slab(atoms)
    if job.sampled:
        return off_the_fold(atoms)
    own_A = atoms.cell.lengths() if atoms.cell.rank == 3 else None
    if job.kind == "atom":
        return in_box(atoms, ATOM_BOX_A if own_A is None else own_A)
    if not is_alone(job):
        return in_box(atoms, np.ptp(atoms.positions, axis=0) + BOX_VACUUM_A if own_A is None else own_A)
    # Martyna and Tuckerman 1999: the cell at least twice as large as the charge in it
    mt = isinstance(job.level, Cp2kLevel) and job.level.poisson == "MT"
    return in_cube(atoms, at_least=2.0 if mt else 1.0)


def _scf(level: Cp2kLevel, fallback: OrbitalTransformation | Diagonalisation, electrons: int) -> dict[str, Any]:
    """Return the numbers of the SCF: cycles, empty bands, smearing."""
    cycles = min(OT_CYCLES, level.max_scf_cycles)
    least_K = fallback.smearing_at_least_K if isinstance(fallback, Diagonalisation) else 0.0
    return {
        "ot_cycles": cycles,
        "ot_rounds": ceil(level.max_scf_cycles / cycles),
        "added_mos": max(10, electrons // 10),
        "smearing_K": max(level.smearing_K, least_K),
        "max_cycles": min(level.max_scf_cycles, fallback.cycles or level.max_scf_cycles),
    }


def fixed_lists(atoms: Atoms) -> dict[str, list[int]]:
    """Return the fixed atoms, counted from 1, by COMPONENTS_TO_FIX: ``{"XYZ": [1, 2], "XY": [5]}``."""
    found = {"xyz": fixed_atoms(atoms), **partly_fixed(atoms)}
    return {axes.upper(): [i + 1 for i in some] for axes, some in found.items() if some}


def _motion(job: Job, atoms: Atoms) -> dict[str, Any]:
    """Return what moves and how; atoms are counted from 1."""
    found: dict[str, Any] = {"fixed": fixed_lists(atoms), "velocities": None}
    if isinstance(job.task, Relax):
        # a force is longer than its longest component by up to the square root of 3
        found["max_force_Ha_bohr"] = job.task.fmax_eV_A / sqrt(3) * Bohr / Hartree
        found["optimizer"] = "BFGS" if len(atoms) <= BFGS_UP_TO_ATOMS else "LBFGS"
    if isinstance(job.task, Md):
        _check_thermostat(job, job.task, atoms)
        # else CP2K draws them
        if job.task.launch_m_s or job.task.settles or "momenta" in atoms.arrays:
            found["velocities"] = (start_velocities(job.task, atoms) * ATOMIC_TIME / Bohr).tolist()
    return found


def _check_thermostat(job: Job, task: Md, atoms: Atoms) -> None:
    """Raise a UserError if the nanodiamond shall be left out of a thermostat.

    CP2K couples all atoms outside of a thermostat's region to "a further unique thermostat", which damps a launch.
    """
    if task.thermostat.kind != "none" and task.thermostat.group == "flake" and nanodiamond(atoms).any():
        raise UserError.of(
            f"{job.name}: thermostat.group",
            "found 'flake', but CP2K cannot leave the nanodiamond without a thermostat",
            "allowed with engine cp2k: group 'all', or kind 'none' (constant energy)",
        )
