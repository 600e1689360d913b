"""Ions on a nanodiamond: the relaxed cluster, shells that start from it, and the free atoms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from iondrill.config.project import required
from iondrill.jobs.job import Kind, Relax
from iondrill.jobs.name import CLEAN, JobId, Subject
from iondrill.jobs.size import Size
from iondrill.prepare.stages.base import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from iondrill.config.shells import ShellsStage as Settings

ROOM_A = 6.0
"""What a shell adds to the box of a cluster: for the estimate of a job's cost alone."""


class ShellsStage(Stage):
    """Clusters with ions on them."""

    name = "shells"

    @property
    def settings(self) -> Settings:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.shells, self.name, "level")

    def clean(self, cluster: str) -> JobId:
        """Return the cluster without ions."""
        return JobId(self.name, Subject(cluster), self.settings.level, variant=CLEAN)

    def atom(self, ion: str) -> JobId:
        """Return the free atom at the level of the stage."""
        return self.free_atom(ion, self.settings.level)

    def shell(self, cluster: str, filling: Mapping[str, int]) -> JobId:
        """Return a cluster with ions."""
        variant = "".join(f"{ion}{n}" for ion, n in filling.items())
        return JobId(self.name, Subject(cluster), self.settings.level, variant=variant)

    def fillings(self) -> list[dict[str, int]]:
        """Return all fillings, each once: those that are asked for, and of two kinds each kind alone."""
        found: list[dict[str, int]] = []
        for filling in self.settings.fillings:
            plain = {str(ion): n for ion, n in filling.items()}
            alone = [{ion: sum(plain.values())} for ion in plain] if len(plain) > 1 else []
            found += [one for one in [*alone, plain] if one not in found]
        return found

    def rows(self) -> list[JobId]:
        """Return the clusters with ions."""
        return [self.shell(cluster, filling) for cluster in self.settings.clusters for filling in self.fillings()]

    def jobs(self) -> list[JobId]:
        """Return the clusters without and with ions, and the atoms."""
        ions = dict.fromkeys(ion for filling in self.fillings() for ion in filling)
        return [*map(self.clean, self.settings.clusters), *self.rows(), *map(self.atom, ions)]

    def task(self, job: JobId) -> Relax:  # noqa: ARG002
        """Return what a job does."""
        return Relax(fmax_eV_A=self.settings.fmax_eV_A, max_steps=self.settings.max_steps)

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "cluster"

    def structure(self, job: JobId) -> str | None:
        """Return the built cluster; of a shell its rule makes the start, from the relaxed one."""
        return job.structure if job.variant == CLEAN else None

    def size(self, job: JobId) -> Size:
        """Return the size of the cluster, with its ions."""
        bare = self.project.size(job.structure)
        if job.variant == CLEAN:
            return bare
        first, second, third = (edge + ROOM_A for edge in bare.edges_A)
        return Size(bare.n_atoms + sum(filling_of(job).values()), (first, second, third))

    def elements(self, job: JobId, known: Mapping[str, Collection[str]]) -> set[str]:
        """Return those of the cluster, and the ions."""
        return {*known[job.structure], *filling_of(job)}


def filling_of(job: JobId) -> dict[str, int]:
    """Return the number of ions of each element; nothing of the cluster alone."""
    if job.variant == CLEAN:
        return {}
    return {ion: int(n) for ion, n in re.findall(r"([A-Z][a-z]?)(\d+)", job.variant)}
