"""An MD step of a NEP through our loop, against the bare calculator, and against GFN2, at 99 to 3600 atoms.

Ours is a job of engine ``ase``: velocity Verlet, the thermostat, a frame every ten steps, points to resume from. The
bare calculator is `nep_adapters.ase.NepAseCalculator` (https://pypi.org/project/nep-adapters) asked for the forces of
the same atoms in the same periodic box at positions that move a little each time, and nothing else. The potential has
the size of one that `snakemake potential` fits (4 elements, 40 neurons); its parameters are drawn at random, which a
step does not notice; the time step is short, so that the atoms stay where they are. Diamond at normal density. GFN2 is
`iondrill.engines.xtb.calculator.XtbCalculator` on flakes, warm, at the sizes that take seconds. One thread each.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import numpy as np
from ase.build import bulk
from frame import ROOT, Cost, Growth, Row, benchmark, compare, cost, paired

sys.path.insert(0, str(ROOT / "tests/support"))

from potentials import random_potential

from iondrill.engines.ase import AseEngine
from iondrill.engines.ase.boxes import in_wide_box
from iondrill.geometry.registry import build
from iondrill.jobs.job import Job

SIZES, STEPS_AT_ONCE = (99, 225, 900, 3600), 36_000
"""Atoms; and atoms times steps of a run, 10 steps at least."""
GFN2 = {"drill-nd29-li": 3, "paper-li": 1}
"""Structures of GFN2, and steps."""
MOVED_A = 1e-4


def diamond(n_atoms):
    """Return so many atoms of diamond, as compact as its cells allow, isolated."""
    edge = int(np.ceil((n_atoms / 8) ** (1 / 3)))
    atoms = bulk("C", "diamond", a=3.567, cubic=True) * (edge, edge, edge)
    nearest = np.argsort(np.linalg.norm(atoms.positions - atoms.positions.mean(axis=0), axis=1), kind="stable")
    kept = atoms[np.sort(nearest[:n_atoms])]
    kept.pbc = False
    kept.set_cell(None)
    kept.set_array("fragment", np.array(["nd"] * n_atoms, dtype="U10"))
    return kept


def through_our_loop(level, atoms, steps, folder):
    """Return what a step of dynamics takes, of a run that is new each time."""
    task = {
        "task": "md",
        "steps": steps,
        "timestep_fs": 0.001,
        "temperature_K": 300,
        "thermostat": {},
        "launch_m_s": 0,
        "save_every": 10,
        "seed": 1,
    }
    fields = {"stage": "md", "name": "x.nep", "level_name": "nep", "level": level, "kind": "cluster", "task": task}
    job = Job.model_validate(fields)
    return cost(lambda: AseEngine().run(job, atoms, folder)) / steps


def bare(path, atoms, steps):
    """Return what the forces at new positions take, and nothing else."""
    from nep_adapters.ase import NepAseCalculator

    boxed = in_wide_box(atoms, 12.0)
    boxed.calc = NepAseCalculator(str(path))
    moves = np.random.default_rng(1).normal(scale=MOVED_A, size=(steps + 1, len(atoms), 3))
    start = boxed.positions.copy()

    def work():
        for move in moves:  # one more than the steps, as in a run
            boxed.positions = start + move
            boxed.get_forces()
            boxed.get_potential_energy()

    return cost(work) / steps


def gfn2(name, steps):
    """Return atoms, and what a step takes once the first SCF is over."""
    from iondrill.config.levels import XtbLevel
    from iondrill.engines.xtb.calculator import XtbCalculator

    atoms = build(name, ROOT / "structures")
    atoms.set_constraint()
    atoms.calc = XtbCalculator(XtbLevel(engine="xtb"))
    atoms.get_forces()
    rng, taken = np.random.default_rng(1), list[Cost]()
    for _ in range(steps):
        atoms.positions += rng.normal(scale=0.005, size=atoms.positions.shape)
        taken.append(cost(atoms.get_forces))
    return atoms, median(one.cpu_s for one in taken)


def rows(options):
    os.environ["OMP_NUM_THREADS"] = "1"
    sizes = SIZES[:1] if options.quick else SIZES
    taken = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as name:
        folder, runs = Path(name), count()
        path = folder / "nep.txt"
        level = random_potential(path, elements=("C", "H", "Li", "Na"), neurons=40, cutoff_A=(6, 5))
        for n_atoms in sizes:
            atoms, steps = diamond(n_atoms), max(10, STEPS_AT_ONCE // n_atoms // 10 * 10)

            def ours(atoms=atoms, steps=steps):
                return through_our_loop(level, atoms, steps, folder / str(next(runs)))

            ours()  # the first one loads the potential
            pairs = paired(ours, partial(bare, path, atoms, steps), options.pairs)
            # theirs over ours: 1/1.2 is an overhead of 20 %
            overhead = median(mine.cpu_s / theirs.cpu_s - 1 for mine, theirs in pairs)
            note = f"overhead {100 * overhead:.0f} %"
            yield compare(f"NEP MD step, {n_atoms} atoms", "the bare calculator", pairs, wanted=1 / 1.2, note=note)
            taken["ours"].append(median(mine.cpu_s for mine, _ in pairs))
            taken["bare"].append(median(theirs.cpu_s for _, theirs in pairs))
        for structure, steps in () if options.quick else GFN2.items():
            atoms, gfn2_s = gfn2(structure, steps)
            mine = through_our_loop(level, atoms, 200, folder / str(next(runs)))
            yield Row(
                f"NEP MD step, {len(atoms)} atoms ({structure})",
                "GFN2, warm",
                "s",
                ours=mine.cpu_s,
                theirs=gfn2_s,
                ratio=3 * (gfn2_s / mine.cpu_s,),
                note="GFN2: the median of some steps",
            )
    if not options.quick:
        for who, work in (("ours", "NEP MD step"), ("bare", "NEP, the bare calculator")):
            yield Growth(work, "atoms", [float(n) for n in sizes], taken[who])


if __name__ == "__main__":
    benchmark("nep_step", rows, "nep-adapters", pairs=3)
