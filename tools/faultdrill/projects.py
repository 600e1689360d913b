"""Small projects, of seconds: a configuration and recipes of their own, and what of their results must be equal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from ase.build import molecule
from ase.io import write
from ase.units import Hartree

from faultdrill.compare import differences

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

GFN2 = "gfn2"
CP2K = "pbe-d3"
ASSEMBLY = {"kind": "assembly", "cluster": "drop", "flake": "pair", "tip": "atom"}
C100 = {"kind": "facet", "miller": [1, 0, 0], "reconstruction": "2x1", "layers": 4, "fixed_layers": 1, "cell": [2, 2]}
"""The thinnest slab of C(100)-2×1: 24 atoms."""
# a coarse grid: what is compared was computed on the same one
CP2K_LEVEL = {"engine": "cp2k", "cutoff_Ry": 120, "rel_cutoff_Ry": 30, "eps_scf": 1e-7}
MPIRUN = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "-n", "1"]


@dataclass(frozen=True)
class Project:
    """A kind of project.

    Attributes
    ----------
    level : str
        Of its calculations.
    targets : tuple of str
        What Snakemake is asked for.
    steps : int
        Of the dynamics.
    near_A, near_eV : float
        How far positions and energies may be from the run that nothing disturbed; 0: equal digit for digit.
    """

    level: str
    targets: tuple[str, ...]
    steps: int
    near_A: float = 0.0
    near_eV: float = 0.0

    def make(self, folder: Path) -> Path:
        """Write configuration and recipes."""
        recipes = folder / "structures"
        for name in ("clusters", "flakes", "assemblies", "facets"):
            (recipes / name).mkdir(parents=True)
        drop, single, apart_A = ("isobutane", "C6H6", 3.7) if self.level == GFN2 else ("CH4", "CH4", 4.0)
        write(recipes / "clusters/drop.xyz", molecule(drop))
        write(recipes / "flakes/pair.extxyz", pair(molecule(single), apart_A))
        box = {} if self.level == GFN2 else {"box": {"vacuum_A": 8}}
        (recipes / "assemblies/drill.yaml").write_text(yaml.safe_dump(ASSEMBLY | box))
        (recipes / "facets/tiny-100.yaml").write_text(yaml.safe_dump(C100))
        (folder / "config.yaml").write_text(yaml.safe_dump(self.configuration()))
        return folder

    def configuration(self) -> dict[str, Any]:
        """Return what config.yaml holds."""
        run = {
            "assembly": "drill",
            "steps": self.steps,
            "relax_parts": False,
            "thermalise": {"time_fs": self.steps / 20},
        }
        if self.level == GFN2:
            run["fix"] = "none"
        content: dict[str, Any] = {
            "levels": {GFN2: {"engine": "xtb"}, CP2K: {**CP2K_LEVEL, "launcher": MPIRUN}},
            "relax": {"fmax_eV_A": 0.1},
            "md": {"level": self.level, "run": ["drill"], "runs": {"drill": run}},
            "elf": {"frames": 0},
        }
        if self.level == GFN2:
            content["adsorption"] = {"facets": ["tiny-100"], "ions": ["Li"], "sites": ["cave"], "fmax_eV_A": 0.1}
        return content

    def differences(self, folder: Path, uninterrupted: Path) -> list[str]:
        """Return what is not as in the run that nothing disturbed; nothing if all is."""
        return differences(folder / "results", uninterrupted / "results", near_A=self.near_A, near_eV=self.near_eV)


PROJECTS = {
    GFN2: Project(GFN2, ("results/md/drill/trajectory.traj", "results/adsorption.csv"), steps=300),
    "short": Project(GFN2, ("results/md/drill/trajectory.traj",), steps=300),
    # CP2K forgets its extrapolation at a restart: what is left open is of the order of the SCF threshold
    CP2K: Project(CP2K, (f"results/jobs/md/drill.{CP2K}/result.json",), steps=3, near_A=1e-4, near_eV=1e-6 * Hartree),
}


def pair(single: Atoms, apart_A: float) -> Atoms:
    """Return a molecule twice, one above the other: the smallest bilayer."""
    upper = single.copy()
    upper.positions[:, 2] += apart_A
    both = single + upper
    both.set_array("fragment", np.array(["lower"] * len(single) + ["upper"] * len(single), dtype="U10"))
    return both


def cycles(folder: Path) -> int:
    """Return the SCF cycles of all jobs and attempts."""
    records = folder.glob("results/jobs/*/*/result.json")
    return sum(json.loads(path.read_text())["n_scf_cycles"] or 0 for path in records)
