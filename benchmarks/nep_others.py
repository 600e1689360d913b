"""An MD step of a NEP through our loop, against SevenNet-0 and GFN2 at 99 to 3600 atoms: by hand, more than an hour.

SevenNet-0 comes from `sevennet_forces.py` in `.venv-fit` (`make fit-environment`), on diamond at normal density. GFN2
is `iondrill.engines.xtb.calculator.XtbCalculator`: on the 225 atoms that the paper computes, and, since the SCF of bare
carbon takes long and 3600 atoms of it more memory than most machines have, on clusters of solid methane: 1.6 functions
an atom, where carbon has four, and an SCF that converges at once, so that these ratios are the least that can be. Warm:
the electrons of the positions before are the guess. One step where there are 900 atoms or more. One thread each.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from ase.io import write
from frame import ROOT, Growth, Row, benchmark, cost
from nep import SIZES, diamond, methane, potential, steps_for, through_our_loop

from iondrill.geometry.registry import build
from iondrill.potential.fit import MADE_FOR_IT

PAPER = "paper-li"
MOVED_A = 0.005
"""How far atoms move in a step."""
LARGE, STEPS = 900, 3


def sevennet(structures):
    """Return CPU seconds of a step of SevenNet-0, for each structure."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{len(atoms)}.xyz" for atoms in structures]
        for path, atoms in zip(paths, structures, strict=True):
            write(path, atoms, format="extxyz", columns=["symbols", "positions"])
        words = [MADE_FOR_IT, Path(__file__).with_name("sevennet_forces.py"), *paths]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


def gfn2(atoms):
    """Return what a step takes once the first SCF is over, in CPU seconds, and how many SCF cycles it has."""
    from iondrill.config.levels import XtbLevel
    from iondrill.engines.xtb.calculator import XtbCalculator

    atoms.set_constraint()
    atoms.calc = XtbCalculator(XtbLevel(engine="xtb"))
    atoms.get_forces()
    before, steps = atoms.calc.n_scf_cycles, 1 if len(atoms) >= LARGE else STEPS
    rng, taken = np.random.default_rng(1), []
    for _ in range(steps):
        atoms.positions += rng.normal(scale=MOVED_A, size=atoms.positions.shape)
        taken.append(cost(atoms.get_forces).cpu_s)
    return median(taken), (atoms.calc.n_scf_cycles - before) / steps


def row(work, against, ours_s, theirs_s, note=""):
    """Return a comparison of two steps."""
    ratio = 3 * (theirs_s / ours_s,)
    return Row(f"NEP MD step, {work}", against, "s", ours_s, theirs_s, ratio, note=note)


def rows(options):
    os.environ["OMP_NUM_THREADS"] = "1"
    sizes = SIZES[:1] if options.quick else SIZES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, level = potential(folder)

        def ours(atoms):
            through_our_loop(level, atoms, 10, folder)  # the first one loads the potential
            return through_our_loop(level, atoms, steps_for(atoms), folder).cpu_s

        molecules = [("methane", methane(n_atoms)) for n_atoms in sizes]
        taken = []
        for what, atoms in [*molecules, (PAPER, build(PAPER, ROOT / "structures"))]:
            mine = ours(atoms)
            theirs, cycles = gfn2(atoms)
            taken.append(theirs)
            note = f"{cycles:.0f} SCF cycles a step"
            yield row(f"{len(atoms)} atoms ({what})", "GFN2, warm", mine, theirs, note)
        growth = {"GFN2 MD step, warm, methane": taken[: len(molecules)]}
        if MADE_FOR_IT.is_file():
            structures = [diamond(n_atoms) for n_atoms in sizes]
            growth["SevenNet-0"] = sevennet(structures)
            for atoms, theirs in zip(structures, growth["SevenNet-0"], strict=True):
                yield row(f"{len(atoms)} atoms (diamond)", "SevenNet-0, forces alone", ours(atoms), theirs)
        for work, of_sizes in {} if options.quick else growth.items():
            yield Growth(work, "atoms", [float(n) for n in sizes], of_sizes)


if __name__ == "__main__":
    benchmark("nep_others", rows, "nep-adapters", pairs=1)
