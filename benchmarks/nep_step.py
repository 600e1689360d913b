"""An MD step of a NEP through our loop, against the bare calculator and calorine, at 99 to 3600 atoms.

Ours is a job of engine ``ase``: velocity Verlet, the thermostat, a frame every ten steps, points to resume from. The
bare calculator is `nep_adapters.ase.NepAseCalculator` (https://pypi.org/project/nep-adapters) asked for the forces of
the same atoms in the same periodic box at positions that move a little each time, and nothing else. calorine is
`calorine.calculators.CPUNEP` (https://calorine.materialsmodeling.org) with the same potential. Diamond at normal
density. One thread each. What SevenNet-0 and GFN2 take: `nep_others.py`.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from frame import Growth, benchmark, compare, cost, paired
from nep import SIZES, diamond, potential, steps_for, through_our_loop

from iondrill.engines.ase.boxes import in_wide_box

MOVED_A = 1e-4


def forces_of(calculator, atoms, steps):
    """Return what the forces at new positions take, and nothing else."""
    boxed = in_wide_box(atoms, 12.0)
    boxed.calc = calculator
    moves = np.random.default_rng(1).normal(scale=MOVED_A, size=(steps + 1, len(atoms), 3))
    start = boxed.positions.copy()

    def work():
        for move in moves:  # one more than the steps, as in a run
            boxed.positions = start + move
            boxed.get_forces()
            boxed.get_potential_energy()

    return cost(work) / steps


def bare(path, atoms, steps):
    """Return a step of the package that the level runs with."""
    from nep_adapters.ase import NepAseCalculator

    return forces_of(NepAseCalculator(str(path)), atoms, steps)


def calorine(path, atoms, steps):
    """Return a step of calorine."""
    from calorine.calculators import CPUNEP

    return forces_of(CPUNEP(str(path)), atoms, steps)


def rows(options):
    os.environ["OMP_NUM_THREADS"] = "1"
    sizes = SIZES[:1] if options.quick else SIZES
    taken = {"ours": [], "bare": [], "calorine": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, level = potential(folder)
        for n_atoms in sizes:
            atoms = diamond(n_atoms)
            steps = steps_for(atoms)
            ours = partial(through_our_loop, level, atoms, steps, folder)
            ours()  # the first one loads the potential
            pairs = paired(ours, partial(bare, path, atoms, steps), options.pairs)
            # theirs over ours: 1/1.2 is an overhead of 20 %
            overhead = median(mine.cpu_s / theirs.cpu_s - 1 for mine, theirs in pairs)
            note = f"overhead {100 * overhead:.0f} %"
            yield compare(f"NEP MD step, {n_atoms} atoms", "the bare calculator", pairs, wanted=1 / 1.2, note=note)
            taken["ours"].append(median(mine.cpu_s for mine, _ in pairs))
            taken["bare"].append(median(theirs.cpu_s for _, theirs in pairs))
            pairs = paired(ours, partial(calorine, path, atoms, max(10, steps // 4)), options.pairs)
            yield compare(f"NEP MD step, {n_atoms} atoms", "calorine, forces alone", pairs)
            taken["calorine"].append(median(theirs.cpu_s for _, theirs in pairs))
    if not options.quick:
        works = {"ours": "NEP MD step", "bare": "NEP, the bare calculator", "calorine": "NEP by calorine"}
        for who, work in works.items():
            yield Growth(work, "atoms", [float(n) for n in sizes], taken[who])


if __name__ == "__main__":
    benchmark("nep_step", rows, "nep-adapters", pairs=3)
