"""What the benchmarks of CP2K share: jobs, and CP2K run on the input that a job gives, changed or not."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from frame import Cost, cost

from iondrill.config.levels import Cp2kLevel
from iondrill.engines.cp2k.attempt import LOG
from iondrill.engines.cp2k.inputs import INPUT
from iondrill.engines.cp2k.output import Log
from iondrill.jobs.job import Job


class Run(NamedTuple):
    """A run of CP2K that ended."""

    log: Log
    cost: Cost


def cp2k_job(kind, task, **level):
    """Return a job at PBE-D3(BJ), DZVP-MOLOPT-SR-GTH."""
    settings = Cp2kLevel(engine="cp2k", **level)
    return Job(stage="md", name="benchmark.pbe", level_name="pbe", level=settings, task=task, kind=kind)


def run_cp2k(text, folder):
    """Run CP2K on an input, on one core; every SCF must have converged."""
    folder.mkdir(parents=True)
    (folder / INPUT).write_text(text)
    words = ["cp2k.psmp", "-i", INPUT, "-o", LOG]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    taken = cost(lambda: subprocess.run(words, cwd=folder, env=env, check=True, capture_output=True))
    log = Log.read(folder / LOG)
    assert log.scf, folder
    assert all(log.is_sound(scf) for scf in log.scf), folder
    return Run(log, taken)
