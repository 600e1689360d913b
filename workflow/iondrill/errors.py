"""Mistakes of a user: collected, and shown without a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


MESSAGE_PREFIX = "iondrill: "
"""The beginning of every message to the user, in a log as on the terminal."""
TOOK = "Took "
"""The beginning of the last line of a log."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what would be right.

    Parameters
    ----------
    where : str
        The file, and the key or line in it: ``config.yaml: md.runs.drill.steps (line 31)``.
    found : str
        What was found there.
    allowed : str
        What is allowed there.
    """

    where: str
    found: str
    allowed: str = ""

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.where}: {self.found}" + (f"; {self.allowed}" if self.allowed else "")


class UserError(Exception):
    """One or more problems that the user can mend.

    Parameters
    ----------
    *problems : Problem
        All problems, in the order of the file.
    """

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a UserError needs at least one problem")
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    @classmethod
    def of(cls, where: object, found: str, allowed: str = "") -> Self:
        """Return the error that holds a single problem."""
        return cls(Problem(str(where), found, allowed))

    def __reduce__(self) -> tuple[type[UserError], tuple[Problem, ...]]:
        """Pickle by the problems, so that the error survives process pools."""
        return type(self), self.problems


def said_of(error: OSError) -> str:
    """Return an error of the system in one line: a folder that cannot be written, a disk that is full."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Say which of the allowed words was perhaps meant, or list them all.

    Parameters
    ----------
    word : str
        What was found.
    allowed : iterable of str
        What is allowed there.

    Returns
    -------
    str
        ``did you mean 'steps'?`` or ``allowed: a, b, c``.
    """
    words = sorted(allowed)
    close = get_close_matches(str(word), words, n=1)
    return f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join(words) or 'nothing'}"
