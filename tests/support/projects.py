"""Projects of a few atoms, and Snakemake in them: what the tests of the workflow share."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from ase import Atoms
from ase.build import molecule
from ase.io import write

from faultdrill.projects import CP2K_LEVEL, MPIRUN, pair

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
PBE_D3: dict[str, Any] = {**CP2K_LEVEL, "launcher": MPIRUN}


# GFN2 by tblite's own interface to ASE; without its cache a geometry has the same energy after any other
TBLITE: dict[str, Any] = {
    "engine": "ase",
    "calculator": "tblite.ase.TBLite",
    "arguments": {"method": "GFN2-xTB", "verbosity": 0, "cache_api": False},
}
SHEET = {
    "kind": "facet",
    "crystal": "graphite",
    "miller": [0, 0, 1],
    "layers": 1,
    "fixed_layers": 0,
    "cell": [2, 2],
    "vacuum_A": 7,
    "expect_coordination": {3: 2},
}
"""A facet of eight atoms: graphene."""


def make_project(folder: Path, config: Mapping[str, Any], structures: Mapping[str, Atoms | Mapping[str, Any]]) -> Path:
    """Write ``config.yaml``, and recipes and structure files by their paths below ``structures``."""
    for kind in ("clusters", "flakes", "assemblies", "facets"):
        (folder / "structures" / kind).mkdir(parents=True)
    for name, content in structures.items():
        path = folder / "structures" / name
        if isinstance(content, Atoms):
            write(path, content)
        else:
            path.write_text(yaml.safe_dump(content))
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(config)))
    return folder


def stacked(name: str, *, flat: bool = True, gap_A: float = 3.7, ion: str = "") -> Atoms:
    """Return two molecules on each other, turned flat if they are not, with or without an ion between."""
    single = molecule(name)
    if not flat:
        single.rotate(90, "y")
    flake = pair(single, gap_A)
    fragments = flake.get_array("fragment").tolist()
    if ion:
        flake += Atoms(ion, positions=[[0.0, 0.0, gap_A / 2]])
        flake.set_array("fragment", np.array([*fragments, "ion"], dtype="U10"))
    return flake


def tiny() -> dict[str, Atoms | Mapping[str, Any]]:
    """Return the files of the assembly ``tiny``: isobutane before the edge of two benzenes on each other."""
    return {
        "clusters/isobutane.xyz": molecule("isobutane"),
        "flakes/benzenes.extxyz": stacked("C6H6"),
        "assemblies/tiny.yaml": {"kind": "assembly", "cluster": "isobutane", "flake": "benzenes", "tip": "atom"},
    }


def snakemake(project: Path, *more: str) -> list[str]:
    """Return the command line of Snakemake in a project."""
    program = str(Path(sys.executable).with_name("snakemake"))
    return [program, "-s", str(ROOT / "Snakefile"), "--directory", str(project), *more]


def run(command: list[str], folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a folder, with more variables in its environment."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)


def start(command: list[str], **variables: str) -> subprocess.Popen[str]:
    """Start a command in a session of its own; what it says is one stream."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def rows(path: Path) -> list[dict[str, str]]:
    """Read a table."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
