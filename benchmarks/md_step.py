"""What a step of a drill costs CP2K: the box that is fitted to the drill, against the paper's cube of 50 Å.

A step is an SCF that begins near its end, and the forces: so each run begins with the wavefunction of one before it
in the same box, converged. Methane before the edge of two benzenes, 29 atoms; the inputs differ by the cell alone.
The fitted edge is rounded up to half of the other, and the cutoff is one for which the finest grid of the large box
has twice the points of that of the small one, so that the drill stands alike on them. The cutoff is below what forces
are to be taken from, since at the paper's 350 Ry the grid of 50 Å takes 51 GB; the boxes then differ in the gradient
of the density, by an FFT, of which PBE is made (LDA's forces differ a thousand times less). What belongs to the atoms
is alike in both boxes, and a larger drill leaves less of the 50 Å empty and gains less: the paper's 225 atoms fit
into 34.4 Å, a third of the volume.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from ase.build import molecule
from ase.units import Bohr, Hartree
from cp2k_runs import cp2k_job, run_cp2k
from frame import Row, benchmark, compare, paired

from iondrill.engines.cp2k.inputs import Resume, render_input
from iondrill.engines.cp2k.output import sound_forces
from iondrill.prepare.jobs import VACUUM_A, Static

PAPER_A = 50.0
FITTED_A = PAPER_A / 2
"""What leaves the usual vacuum, rounded up to the half, so that CP2K can give both boxes grids of the same spacing."""
CUTOFF_RY = 112
"""Of the highest whose finest grid in 50 Å has 320³ points, twice the 160³ of half the edge."""
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


def run(atoms, edge_A, folder, forces, guess=None):
    """Run one SCF with forces; return what it cost."""
    atoms = atoms.copy()
    atoms.set_cell([edge_A] * 3)
    job = cp2k_job("cluster", Static(), cutoff_Ry=CUTOFF_RY, eps_scf=1e-6)
    name = f"{edge_A:.0f}-{sum(1 for _ in folder.iterdir())}"
    done = run_cp2k(render_input(job, atoms, resume=Resume(guess=guess)), folder / name)
    forces[edge_A] = sound_forces(done.log, len(atoms)) * Bohr / Hartree
    return done.cost


def rows(options):
    atoms, small_A = drill(), FITTED_A
    assert np.ptp(atoms.positions, axis=0).max() + VACUUM_A <= small_A
    large_A = small_A * 1.2 if options.quick else PAPER_A
    forces = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(atoms, small_A, folder, forces)
        of_small, of_large = (f"../{name}/job-RESTART.wfn" for name in (f"{small_A:.0f}-0", f"{large_A:.0f}-1"))
        run(atoms, large_A, folder, forces, guess=of_small)
        ours, theirs = (
            partial(run, atoms, edge_A, folder, forces, guess=guess)
            for edge_A, guess in ((small_A, of_small), (large_A, of_large))
        )
        pairs = paired(ours, theirs, options.pairs)
    what = f"{len(atoms)} atoms, {CUTOFF_RY} Ry"
    yield compare(f"CP2K step of a drill, {what}, in {small_A:.1f} Å", f"in {large_A:g} Å", pairs, wanted=3)
    apart = float(np.linalg.norm(forces[small_A] - forces[large_A], axis=1).max())
    yield Row("largest difference of the forces in these boxes", "a limit", "Ha/bohr", ours=apart, wanted=1e-4)


if __name__ == "__main__":
    benchmark("md_step", rows)
