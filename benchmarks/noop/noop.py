"""An engine that computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.engines.base import Result

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.job import Job


class NoOp:
    name = "xtb"

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        return []

    def validate_inputs(self, folder: Path) -> list[str]:
        return []

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
