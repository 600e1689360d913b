"""What a step of a drill costs CP2K: the box that is fitted to the drill, against the paper's cube of 50 Å.

A step is an SCF that begins near its end, and the forces: so each run begins with the wavefunction of one before it
in the same box, converged. Methane before the edge of two benzenes, 29 atoms; the inputs differ by the cell alone.
The fitted edge is rounded up to half of the other, and the cutoff is one for which the finest grid of the large box
has twice the points of that of the small one, so that the drill stands alike on them. At the paper's 350 Ry the grid
of 50 Å takes 51 GB; here five pairs are done in ten minutes, and `md_forces.py` compares the forces at a higher one.
What belongs to the atoms is alike in both boxes, and a larger drill leaves less of the 50 Å empty and gains less: the
paper's 225 atoms fit into 34.4 Å, a third of the volume.
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
from iondrill.jobs.job import BOX_VACUUM_A, Static

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


class Boxes:
    """Runs of a drill in cubes of two edges at one cutoff: SCF and forces, from a wavefunction near its end."""

    def __init__(self, folder, cutoff_Ry, large_A):
        self.atoms, self.folder, self.cutoff_Ry = drill(), folder, cutoff_Ry
        self.edges_A = FITTED_A, large_A
        assert np.ptp(self.atoms.positions, axis=0).max() + BOX_VACUUM_A <= FITTED_A
        self.guess = dict.fromkeys(self.edges_A)
        self.forces = {}
        folder.mkdir()

    def run(self, edge_A):
        """Run in a box; return what it cost."""
        atoms = self.atoms.copy()
        atoms.set_cell([edge_A] * 3)
        job = cp2k_job("cluster", Static(), cutoff_Ry=self.cutoff_Ry, eps_scf=1e-6)
        name = f"run-{sum(1 for _ in self.folder.iterdir())}"
        done = run_cp2k(render_input(job, atoms, resume=Resume(guess=self.guess[edge_A])), self.folder / name)
        self.forces[edge_A] = sound_forces(done.log, len(atoms)) * Bohr / Hartree
        self.guess[edge_A] = f"../{name}/job-RESTART.wfn"
        return done.cost

    def start(self):
        """Run in both boxes for the first time, in the large one from what the small one came to."""
        small_A, large_A = self.edges_A
        self.run(small_A)
        self.guess[large_A] = self.guess[small_A]
        self.run(large_A)

    def timed(self, pairs):
        """Return the row of pairs of runs."""
        small_A, large_A = self.edges_A
        found = paired(*(partial(self.run, edge_A) for edge_A in self.edges_A), pairs)
        work = f"CP2K step of a drill, {len(self.atoms)} atoms, {self.cutoff_Ry} Ry, in {small_A:.1f} Å"
        return compare(work, f"in {large_A:g} Å", found, wanted=3)

    def apart(self, limit=None):
        """Return the row of the forces of the last runs."""
        small_A, large_A = self.edges_A
        apart = float(np.linalg.norm(self.forces[small_A] - self.forces[large_A], axis=1).max())
        work = f"largest difference of the forces in these boxes, {self.cutoff_Ry} Ry"
        return Row(work, "a limit" if limit else "none", "Ha/bohr", ours=apart, wanted=limit)


def rows(options):
    large_A = FITTED_A * 1.2 if options.quick else PAPER_A
    with tempfile.TemporaryDirectory() as name:
        boxes = Boxes(Path(name, "timed"), CUTOFF_RY, large_A)
        boxes.start()
        yield boxes.timed(options.pairs)
        yield boxes.apart()


if __name__ == "__main__":
    benchmark("md_step", rows)
