"""What an engine has in common with any other: its name, and the model of its levels."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from iondrill.config.levels import LevelModel

if TYPE_CHECKING:
    from iondrill.jobs.job import Job

L = TypeVar("L", bound=LevelModel)


class TypedEngine(ABC, Generic[L]):
    """An engine of one kind of levels.

    Attributes
    ----------
    name : str
        Of the engine.
    model : type
        The model of its levels.
    """

    name: ClassVar[str]
    model: type[L]

    def level(self, job: Job) -> L:
        """Return the level of a job.

        Raises
        ------
        TypeError
            If it is of another engine.
        """
        if not isinstance(job.level, self.model):
            raise TypeError(f"level '{job.level_name}' is of engine {job.level.engine}")
        return job.level
