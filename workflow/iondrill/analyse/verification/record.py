"""What a verification says of a run: ``md/<run>/verification.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, Self

from iondrill.analyse.verification.twins import MARK, Twin, in_words, untold
from iondrill.config.base import Event, Strict
from iondrill.config.load import load
from iondrill.config.verification import VerdictCriteria
from iondrill.errors import Problem, UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

FILE = "verification.json"
Verdict = Literal["trusted", "doubtful", "refused", "not verified"]


class Record(Strict):
    """What a rule leaves as JSON, and others read."""

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_text(path, json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        UserError
            If the file is missing or holds something else.
        """
        try:
            return load(cls, path)
        except UserError as error:
            remedy = Problem(str(path), "cannot be used", "remove it, and it is made again")
            raise UserError(*error.problems, remedy) from None


class Cutting(Strict):
    """What cutting changes at the run's own level: forces on pieces against those that drove the run.

    Attributes
    ----------
    n : int
        Force vectors, none of atoms next to a cut.
    force_rmse_eV_A, force_rms_eV_A : float
        Their difference, and the forces of the run.
    """

    n: int
    force_rmse_eV_A: float
    force_rms_eV_A: float


class Verification(Record):
    """Verdict, reasons and criteria of a run, and what was compared."""

    verdict: Verdict
    reasons: list[str]
    criteria: VerdictCriteria
    level: str
    reference: str
    titles: dict[str, str]
    frames_compared: int
    frames_chosen: int
    recorded: bool = False
    force_rmse_eV_A: float | None
    force_rms_eV_A: float | None
    largest_grade: float | None
    frames_graded: int
    cutting: Cutting | None
    twin: Twin | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing of the run is to be told as a result."""
        return self.verdict == "refused"

    @property
    def models(self) -> list[Event]:
        """The events that the run, or its twin at the second fit, has alone."""
        return [] if self.twin is None else self.twin.models

    @property
    def untold(self) -> set[str]:
        """The columns of ``order_parameters.csv`` that are no results, since an event that they tell is the model's."""
        return untold(self.models)

    @property
    def of_twin(self) -> str:
        """What the second fit says, for the page; nothing without."""
        if self.twin is None:
            return ""
        against = f"Repeated at {self.titles[self.twin.level]} ({self.twin.level})"
        both = f"in both runs: {in_words(self.twin.both)}" if self.twin.both else "no event is in both runs"
        alone = f"; in one alone, so {MARK}, and not told as a result: {in_words(self.models)}" if self.models else ""
        return f"{against}, {both}{alone}."

    @property
    def sentence(self) -> str:
        """What it says, for the page."""
        frames = f"{self.frames_compared} of {self.frames_chosen} frames"
        if self.recorded:
            frames = f"{self.frames_compared} recorded frames of earlier runs"
        against = f"{frames} against {self.titles[self.reference]}"
        error = (
            ""
            if self.force_rmse_eV_A is None
            else f": force error {self.force_rmse_eV_A:.2f} eV/Å of a force of {self.force_rms_eV_A:.2f} eV/Å (rms)"
        )
        why = f"; {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{self.verdict}, {against}{error}{why}"
