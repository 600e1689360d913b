"""Structures and jobs that the engines' tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from iondrill.config.models import Thermostat
from iondrill.jobs.job import Job, Md, Relax, Static

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = {
    "relax": Relax(fmax_eV_A=0.03, max_steps=77),
    "static": Static(),
    "wavefunction": Static(wavefunction=True),
    "cubes": Static(wavefunction=True, cubes=True),
    "md": Md(
        steps=40,
        timestep_fs=0.25,
        temperature_K=350,
        thermostat=Thermostat(time_constant_fs=80),
        launch_m_s=0,
        save_every=2,
        seed=7,
    ),
}


def cluster(ion: str) -> Atoms:
    """Return two C–H fragments 4 Å apart along x, an ion above, one atom of the flake fixed; no cell."""
    atoms = Atoms(
        ["C", "H", ion, "C", "H"], positions=[[4, 0, 0], [5.1, 0, 0], [4, 0, 2.4], [0, 0.3, 0], [-1.1, 0.3, 0]]
    )
    atoms.set_array("fragment", np.array(["lower", "lower", "ion", "nd", "nd"]))
    atoms.set_constraint(FixAtoms([1]))
    return atoms


def slab(ion: str) -> Atoms:
    """Return a sheet of graphane with an ion on top, in an oblique cell, C and H interleaved, the lowest H fixed."""
    edge_A = 5.08
    cell = [[edge_A, 0, 0], [edge_A / 2, edge_A * np.sqrt(0.75), 0], [0, 0, 18]]
    sheet = Atoms(
        "HCCH", cell=cell, pbc=True, positions=[[0, 0, 6.5], [0, 0, 7.6], [1.27, 0.73, 8.1], [1.27, 0.73, 9.2]]
    )
    atoms = sheet + Atoms(ion, positions=[[3.8, 2.2, 10.0]])
    atoms.set_array("fragment", np.array(["slab"] * 4 + ["adsorbate"]))
    atoms.set_constraint(FixAtoms([0]))
    return atoms


def atom(ion: str) -> Atoms:
    """Return an atom without a cell."""
    atoms = Atoms(ion)
    atoms.set_array("fragment", np.array(["ion"]))
    return atoms


STRUCTURES = {"cluster": cluster, "slab": slab, "atom": atom}


@pytest.fixture(scope="session")
def structure() -> Callable[[str, str], Atoms]:
    """Return a maker of structures by kind and ion."""
    return lambda kind, ion="Li": STRUCTURES[kind](ion)


@pytest.fixture(scope="session")
def killed_cp2k(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a maker of CP2Ks that are killed in their first run, once its log holds some words."""

    def make(words: str) -> str:
        folder = tmp_path_factory.mktemp("killed")
        program, once = folder / "killed-cp2k", folder / "once"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = -i ] || exec cp2k.psmp "$@"\n[ -e {once} ] && exec cp2k.psmp "$@"\ntouch {once}\n'
            'cp2k.psmp "$@" & pid=$!\n'
            f'while ! grep -q "{words}" job.out; do sleep 0.05; done\nkill -9 $pid\nwait $pid\n'
        )
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture(scope="session")
def make_job() -> Callable[..., Job]:
    """Return a maker of jobs by engine, kind and name of a task; level, task and job take changes."""

    def make(engine: str, kind: str, task: Any, *, level: dict[str, Any] | None = None, **changes: Any) -> Job:
        task = TASKS[task] if isinstance(task, str) else task
        base = {"engine": engine, **(level or {})}
        settings = {"stage": "relax", "name": f"test.{engine}", "level_name": "dft"} | changes
        return Job.model_validate({**settings, "level": base, "task": task, "kind": kind})

    return make
