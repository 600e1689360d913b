"""An engine that computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.engines.base import Result
from iondrill.engines.cost import Cost

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size


class NoOp:
    name = "xtb"

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        return []

    def validate_inputs(self, folder: Path) -> list[str]:
        return []

    def cost(self, job: Job, size: Size) -> Cost:
        return Cost(memory_MB=100, step_s=0.1)

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        result = Result(
            status="converged",
            level=job.level_name,
            engine=self.name,
            engine_version="none",
            energy_eV=0.0,
            max_force_eV_A=0.0,
            n_scf_cycles=0,
            input_hash=job.input_hash(atoms),
        )
        return result, atoms.copy()
