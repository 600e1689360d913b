"""An MD step of GFN2-xTB at 101, 144 and 225 atoms, against the tblite wheel as installed and the xtb binary.

Ours is `iondrill.engines.xtb.calculator.XtbCalculator`: tblite in process, with OpenBLAS loaded before it. Theirs are
`tblite.ase.TBLite` (https://tblite.readthedocs.io) from the same wheel with the BLAS it brings, and `xtb --gfn 2
--grad` (https://xtb-docs.readthedocs.io; Debian's package, which uses OpenBLAS). All three see the same positions, half
a femtosecond apart, and start the SCF from their own last wavefunction. One thread each. Of xtb, only the CPU time that
it reports for SCF and gradient counts, not its start. Wheel and xtb get our damping of the mixer: with their own, 0.4,
the SCF of the bare nanodiamond of 75 atoms does not converge. Energies agree to 2·10⁻³ Ha (xtb 6.5.1: 7·10⁻⁴);
if at the first step xtb's does not, its SCF has come to another state, and it is left out.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from ase import units
from ase.io import write
from frame import ROOT, Cost, Growth, Row, benchmark, compare, cost

from iondrill.geometry.registry import build

SYSTEMS = ("drill-nd29", "c54-aa", "paper-li")
TIMESTEP = 0.5 * units.fs
ALIKE_HA = 2e-3
DAMPING = 0.2
"""As in iondrill.engines.xtb.calculator, which would bind our BLAS where it is imported."""


def answer(ours, atoms, pipe):
    """Compute forces at the positions that come, in a process of its own."""
    if ours:
        from iondrill.config.levels import XtbLevel
        from iondrill.engines.xtb.calculator import XtbCalculator

        atoms.calc = XtbCalculator(XtbLevel(engine="xtb"))
    else:
        from tblite.ase import TBLite

        atoms.calc = TBLite(method="GFN2-xTB", verbosity=0, mixer_damping=DAMPING)
    while (positions := pipe.recv()) is not None:
        atoms.set_positions(positions, apply_constraint=False)
        taken = cost(atoms.get_forces)
        pipe.send((taken, atoms.get_potential_energy() / units.Hartree, atoms.get_forces(apply_constraint=False)))


class InProcess:
    """A calculator that waits in another process, so that the two do not share their BLAS."""

    def __init__(self, atoms, *, ours):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=answer, args=(ours, atoms, other))
        self.process.start()

    def step(self, positions):
        self.pipe.send(positions)
        return self.pipe.recv()

    def close(self):
        self.pipe.send(None)
        self.process.join()


class XtbBinary:
    """The program, started at each step."""

    def __init__(self, atoms, folder):
        self.atoms, self.folder = atoms, folder
        (folder / "scc.inp").write_text(f"$scc\n   broydamp={DAMPING}\n   maxiterations=500\n$end\n")

    def step(self, positions):
        self.atoms.set_positions(positions, apply_constraint=False)
        write(self.folder / "atoms.xyz", self.atoms, format="xyz", fmt="%20.12f")
        words = ["xtb", "atoms.xyz", "--gfn", "2", "--grad", "--input", "scc.inp"]
        run = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True)
        times = re.search(r"SCF:\s*\n.*wall-time:(.*)sec\s*\n.*cpu-time:(.*)sec", run.stdout)
        wall_s, cpu_s = (
            sum(float(n) * unit for n, unit in zip(re.findall(r"[\d.]+", one), (86400, 3600, 60, 1), strict=True))
            for one in times.groups()
        )
        return Cost(cpu_s, wall_s), float(re.search(r"TOTAL ENERGY\s+(\S+)", run.stdout)[1]), None

    def close(self):
        pass


def trajectory(atoms, contenders, steps):
    """Yield the costs of each contender at each step but the first; ours drives."""
    masses, positions = atoms.get_masses()[:, None], atoms.get_positions()
    velocities = np.random.default_rng(0).normal(0, np.sqrt(300 * units.kB / masses), (len(atoms), 3))
    for k in range(steps + 1):
        names = list(contenders)
        found = {}
        for name in names if k % 2 else names[::-1]:
            try:
                found[name] = contenders[name].step(positions)
            except subprocess.CalledProcessError:  # of xtb alone: its SCF does not converge
                del contenders[name]
        if k == 0 and "xtb" in found and abs(found["xtb"][1] - found["ours"][1]) > ALIKE_HA:
            del contenders["xtb"], found["xtb"]
        energies = [energy for _, energy, _ in found.values()]
        assert max(energies) - min(energies) < ALIKE_HA, energies
        if k:
            yield {name: taken for name, (taken, _, _) in found.items()}
        velocities = velocities + TIMESTEP * found["ours"][2] / masses
        positions = positions + TIMESTEP * velocities


def measure(name, steps):
    """Return for each step what each contender took."""
    atoms = build(name, ROOT / "structures")
    atoms.set_constraint()
    with tempfile.TemporaryDirectory() as folder:
        contenders = {"ours": InProcess(atoms, ours=True), "wheel": InProcess(atoms, ours=False)}
        if shutil.which("xtb"):
            contenders["xtb"] = XtbBinary(atoms.copy(), Path(folder))
        try:
            return len(atoms), list(trajectory(atoms, contenders, steps))
        finally:
            for contender in contenders.values():
                contender.close()


def rows(options):
    os.environ["OMP_NUM_THREADS"] = "1"
    sizes, taken = [], []
    for name in ("nd29",) if options.quick else SYSTEMS:
        n, steps = measure(name, options.pairs)
        work = f"GFN2 MD step, {n} atoms"
        yield compare(work, "the tblite wheel as installed", [(s["ours"], s["wheel"]) for s in steps], wanted=3)
        if "xtb" in steps[-1]:
            yield compare(work, "the xtb binary with OpenBLAS", [(s["ours"], s["xtb"]) for s in steps], wanted=1)
        else:
            failed = "its SCF does not converge, or to another state"
            why = failed if shutil.which("xtb") else "not installed (Debian: xtb)"
            yield Row(work, "the xtb binary with OpenBLAS", "s", note=why)
        sizes.append(float(n))
        taken.append(median(s["ours"].cpu_s for s in steps))
    if not options.quick:
        yield Growth("GFN2 MD step", "atoms", sizes, taken)


if __name__ == "__main__":
    benchmark("gfn2_step", rows)
