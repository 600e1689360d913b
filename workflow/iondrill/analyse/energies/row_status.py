"""What became of a row of adsorption energies: a word, and remarks that a program can ask for by their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from iondrill.config.base import Strict
from iondrill.prepare.estimates import COVERS

if TYPE_CHECKING:
    from collections.abc import Iterable

Word = Literal["converged", "refused", "not_converged", "failed"]
Code = Literal["", "moved", "second_minimum", "free_like", "error_covers"]
SEVERITY: tuple[Word, ...] = ("converged", "refused", "not_converged", "failed")
MOVED = "moved to "
SECOND_MINIMUM = "second minimum"
FREE_LIKE = "D4 takes the ion for a free atom"
BEGINNINGS: dict[str, Code] = {
    MOVED: "moved",
    SECOND_MINIMUM: "second_minimum",
    FREE_LIKE: "free_like",
    COVERS: "error_covers",
}
"""How remarks begin in tables that were written without their codes."""


class Note(Strict):
    """A remark on a row.

    Attributes
    ----------
    text
        In words.
    code
        moved: the ions came to rest at `sites`; second_minimum: a lower minimum is near; free_like: D4 takes the
        ion for a free atom; error_covers: what the error estimate covers; empty: for readers alone.
    """

    text: str
    code: Code = ""
    sites: list[str] = []


class RowStatus(Strict):
    """What became of a row: ``str`` gives it as the table has it, separated by semicolons."""

    word: Word
    notes: list[Note] = []

    def __str__(self) -> str:
        """Return it as the table has it."""
        return "; ".join([self.word, *(note.text for note in self.notes)])

    def has(self, code: Code) -> bool:
        """Say whether there is a remark of a code."""
        return any(note.code == code for note in self.notes)

    @property
    def sites(self) -> list[str]:
        """Where the ions came to rest, if not where they were put."""
        return [site for note in self.notes for site in note.sites]

    @classmethod
    def worst(cls, words: Iterable[Word], notes: list[Note]) -> RowStatus:
        """Return the status of the worst of some words."""
        return cls(word=max(words, key=SEVERITY.index), notes=notes)


def moved_to(sites: list[str]) -> Note:
    """Return the remark that ions came to rest elsewhere than they were put."""
    return Note(text=f"{MOVED}{', '.join(sites)}", code="moved", sites=sites)


def status_of_text(text: str) -> RowStatus:
    """Read a status from the table alone, as versions left it that wrote no ``adsorption.json``."""
    word, *texts = text.split("; ")
    notes = []
    for each in texts:
        code = next((code for beginning, code in BEGINNINGS.items() if each.startswith(beginning)), "")
        sites = each.removeprefix(MOVED).split(", ") if code == "moved" else []
        notes.append(Note(text=each, code=code, sites=sites))
    return RowStatus.model_validate({"word": word, "notes": notes})
