"""An MD step of a NEP through our loop, against the bare calculator, calorine, SevenNet and GFN2, at 99 to 3600 atoms.

Ours is a job of engine ``ase``: velocity Verlet, the thermostat, a frame every ten steps, points to resume from. The
bare calculator is `nep_adapters.ase.NepAseCalculator` (https://pypi.org/project/nep-adapters) asked for the forces of
the same atoms in the same periodic box at positions that move a little each time, and nothing else. The potential has
the size of one that `snakemake potential` fits (4 elements, 40 neurons); its parameters are drawn at random, which a
step does not notice; the time step is short, so that the atoms stay where they are. Diamond at normal density. GFN2 is
`iondrill.engines.xtb.calculator.XtbCalculator` on flakes, warm, at the sizes that take seconds. calorine is
`calorine.calculators.CPUNEP` (https://calorine.materialsmodeling.org) with the same potential. SevenNet-0 comes from
`sevennet.py` in `.venv-fit` (`make fit-environment`), at the sizes that take less than a minute. One thread each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import numpy as np
from ase.build import bulk
from ase.io import write
from frame import ROOT, Cost, Growth, Row, benchmark, compare, cost, paired

sys.path.insert(0, str(ROOT / "tests/support"))

from potentials import random_potential

from iondrill.engines.ase import AseEngine
from iondrill.engines.ase.boxes import in_wide_box
from iondrill.geometry.registry import build
from iondrill.jobs.job import Job
from iondrill.potential.fit import MADE_FOR_IT

SIZES, STEPS_AT_ONCE = (99, 225, 900, 3600), 36_000
"""Atoms; and atoms times steps of a run, 10 steps at least."""
GFN2 = {"drill-nd29-li": 3, "paper-li": 1}
GFN2_ATOMS = (103, 225)
"""Structures of GFN2, and steps; and how many atoms they have. Of 900 the first SCF takes more than 19 minutes."""
MOVED_A = 1e-4
SEVENNET = (99, 225, 900)
"""Atoms: the forces of 3600 need more than 20 GB of memory."""


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


def sevennet(structures):
    """Return CPU seconds of a step of SevenNet-0, for each structure."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{len(atoms)}.xyz" for atoms in structures]
        for path, atoms in zip(paths, structures, strict=True):
            write(path, atoms, format="extxyz", columns=["symbols", "positions"])
        words = [MADE_FOR_IT, Path(__file__).with_name("sevennet.py"), *paths]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


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
    taken = {"ours": [], "bare": [], "calorine": []}
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
            pairs = paired(ours, partial(calorine, path, atoms, max(10, steps // 4)), options.pairs)
            yield compare(f"NEP MD step, {n_atoms} atoms", "calorine, forces alone", pairs)
            taken["calorine"].append(median(theirs.cpu_s for _, theirs in pairs))
        if not options.quick and MADE_FOR_IT.is_file():
            taken["sevennet"] = sevennet([diamond(n_atoms) for n_atoms in SEVENNET])
            for n_atoms, ours_s, theirs_s in zip(SEVENNET, taken["ours"], taken["sevennet"], strict=False):
                ratio = 3 * (theirs_s / ours_s,)
                yield Row(f"NEP MD step, {n_atoms} atoms", "SevenNet-0, forces alone", "s", ours_s, theirs_s, ratio)
        for structure, steps in () if options.quick else GFN2.items():
            atoms, gfn2_s = gfn2(structure, steps)
            taken.setdefault("gfn2", []).append(gfn2_s)
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
        works = {
            "ours": ("NEP MD step", sizes),
            "bare": ("NEP, the bare calculator", sizes),
            "calorine": ("NEP by calorine", sizes),
            "sevennet": ("SevenNet-0", SEVENNET),
            "gfn2": ("GFN2 MD step, warm", GFN2_ATOMS),
        }
        for who, (work, at) in works.items():
            if who in taken:
                yield Growth(work, "atoms", [float(n) for n in at], taken[who])


if __name__ == "__main__":
    benchmark("nep_step", rows, "nep-adapters", pairs=3)
