"""What the benchmarks of a learned potential share: compact clusters, and a step of dynamics through our loop.

The potential has the size of one that `snakemake potential` fits (4 elements, 40 neurons); its parameters are drawn at
random, which a step does not notice; the time step is short, so that the atoms stay where they are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from frame import ROOT, cost

sys.path.insert(0, str(ROOT / "tests/support"))

from potentials import random_potential

from iondrill.engines.ase import AseEngine
from iondrill.jobs.job import Job

SIZES, STEPS_AT_ONCE = (99, 225, 900, 3600), 36_000
"""Atoms; and atoms times steps of a run."""
METHANE_A = 5.9
"""Edge of the cubic cell of solid methane."""


def potential(folder):
    """Write a potential into a folder; return its file and its level."""
    path = folder / "nep.txt"
    return path, random_potential(path, elements=("C", "H", "Li", "Na"), neurons=40, cutoff_A=(6, 5))


def isolated(atoms):
    """Return a structure that is not periodic, with what our loop wants of one."""
    atoms.pbc = False
    atoms.set_cell(None)
    atoms.set_array("fragment", np.array(["nd"] * len(atoms), dtype="U10"))
    return atoms


def nearest(lattice, how_many):
    """Return so many atoms of a lattice, as compact as its cells allow."""
    apart = np.linalg.norm(lattice.positions - lattice.positions.mean(axis=0), axis=1)
    return lattice[np.sort(np.argsort(apart, kind="stable")[:how_many])]


def diamond(n_atoms):
    """Return so many atoms of diamond."""
    edge = int(np.ceil((n_atoms / 8) ** (1 / 3)))
    return isolated(nearest(bulk("C", "diamond", a=3.567, cubic=True) * (edge, edge, edge), n_atoms))


def methane(n_atoms):
    """Return so many atoms of solid methane, whole molecules of them: 100 for 99."""
    edge = int(np.ceil((n_atoms / 20) ** (1 / 3)))
    places = nearest(bulk("C", "fcc", a=METHANE_A, cubic=True) * (edge, edge, edge), -(-n_atoms // 5))
    whole = Atoms()
    for place in places.positions:
        one = molecule("CH4")
        one.translate(place)
        whole += one
    return isolated(whole)


def steps_for(atoms):
    """Return how many steps of dynamics are measured: fewer of more atoms, 10 at least."""
    return max(10, STEPS_AT_ONCE // len(atoms) // 10 * 10)


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
    own = Path(mkdtemp(dir=folder))
    return cost(lambda: AseEngine().run(job, atoms, own)) / steps
