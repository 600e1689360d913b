"""A step of a drill's dynamics in CP2K: the box that is fitted to it, against the paper's cube of 50 Å.

Both run the same input but for the cell: methane before the edge of two benzenes, 29 atoms, same level, cutoff and
velocities. The fitted edge is rounded up to what has 50 Å's spacing of the finest grid, so that the atoms lie alike on
both: else their forces differ by the grid, not by the box. The cutoff is far below what forces are to be taken from,
since the grid of 50 Å does not fit on small machines at the paper's 350 Ry (51 GB): the share of the atoms, alike in
both boxes, is larger here. Each step after the first is a pair, timed by CP2K itself. The larger
box begins with the other's last wavefunction, which shortens its first SCF; that is not timed.
"""

from __future__ import annotations

import tempfile
from math import ceil
from pathlib import Path

import numpy as np
from ase.build import molecule
from ase.io import read
from cp2k_runs import cp2k_job, run_cp2k
from frame import Cost, Row, benchmark, compare

from iondrill.config.models import Thermostat
from iondrill.engines.cp2k.inputs import Resume, render_input
from iondrill.prepare.jobs import VACUUM_A, Md

PAPER_A, PAPER_GRID = 50.0, 160
CUTOFF_RY = 28
"""The highest whose grid in 50 Å has 160³ points."""
REACH_A, GAP_A = 3.0, 3.7
"""From the drill's carbon to the edge's, and between the layers, as in the assemblies."""


def drill():
    """Return methane before the edge of two benzenes, one above the other."""
    drop, lower = molecule("CH4"), molecule("C6H6")
    upper = lower.copy()
    upper.translate([0, 0, GAP_A])
    drop.translate([lower.positions[lower.symbols == "C", 0].min() - REACH_A, 0, GAP_A / 2])
    atoms = drop + lower + upper
    atoms.set_array("fragment", np.repeat(["nd", "lower", "upper"], [len(drop), len(lower), len(upper)]))
    return atoms


def fitted_A(atoms, steps):
    """Return the edge that leaves the usual vacuum, rounded up to a number of CP2K's that has 50 Å's spacing."""
    least = (np.ptp(atoms.positions, axis=0).max() + VACUUM_A) / PAPER_A * steps
    return next(n for n in range(ceil(least), steps) if is_fast(n)) * PAPER_A / steps


def is_fast(n):
    """Whether a number is even, and of factors 2, 3 and 5, as those of CP2K's transforms."""
    rest = n
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    return rest == 1 and n % 2 == 0


def dynamics(atoms, edge_A, steps, folder, *, cutoff_Ry, guess=None):
    """Run CP2K at constant energy; return the cost of each step and the forces of all, in Ha/bohr."""
    task = Md(
        steps=steps,
        timestep_fs=0.5,
        temperature_K=300,
        launch_m_s=0,
        save_every=1,
        seed=1,
        thermostat=Thermostat(kind="none"),
    )
    boxed = atoms.copy()
    boxed.set_cell([edge_A] * 3)
    job = cp2k_job("cluster", task, cutoff_Ry=cutoff_Ry, eps_scf=1e-5)
    run = run_cp2k(render_input(job, boxed, resume=Resume(guess=guess)), folder)
    seconds = np.loadtxt(folder / "job-1.ener")[1:, -1]
    forces = np.array([frame.positions for frame in read(folder / "job-frc-1.xyz", ":")])
    return run.log, [Cost(float(s), float(s)) for s in seconds], forces


def rows(options):
    atoms, cutoff_Ry = (molecule("CH4"), 60) if options.quick else (drill(), CUTOFF_RY)
    large_A, small_A = (12.0, 8.0) if options.quick else (PAPER_A, fitted_A(atoms, PAPER_GRID))
    atoms.set_array("fragment", atoms.arrays.get("fragment", np.full(len(atoms), "nd")))
    with tempfile.TemporaryDirectory() as name:
        small = dynamics(atoms, small_A, options.pairs, Path(name, "small"), cutoff_Ry=cutoff_Ry)
        guess = "../small/job-RESTART.wfn"
        large = dynamics(atoms, large_A, options.pairs, Path(name, "large"), cutoff_Ry=cutoff_Ry, guess=guess)
    cycles = [sum(scf.cycles for scf in log.scf[1:]) for log, *_ in (small, large)]
    yield compare(
        f"CP2K MD step, {len(atoms)} atoms, {cutoff_Ry} Ry, in {small_A:.1f} Å",
        f"in {large_A:g} Å",
        list(zip(small[1], large[1], strict=True)),
        wanted=3,
        note=f"{cycles[0]} against {cycles[1]} SCF cycles in {options.pairs} steps",
    )
    apart = float(np.linalg.norm(small[2] - large[2], axis=2).max())
    yield Row("largest difference of the forces in these boxes", "a limit", "Ha/bohr", ours=apart, wanted=1e-4)


if __name__ == "__main__":
    benchmark("md_step", rows)
