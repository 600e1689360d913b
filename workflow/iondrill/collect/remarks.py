"""What a reader did not take literally, said once for all frames that it is true of."""

from __future__ import annotations

MOST_NAMED = 5
"""Frames that a remark names; of more, the first ones and how many."""


class Remarks:
    """Remarks on a trajectory and its start, gathered while they are read."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, list[int]]] = {}

    def add(self, text: str, *, frame: int | None = None, step: int | None = None) -> None:
        """Add a remark: on the whole, on a frame (counted from 0), or on the frame of a step."""
        _, numbers = self._found.setdefault(text, ("frame" if step is None else "step", []))
        if frame is not None:
            numbers.append(frame + 1)
        elif step is not None:
            numbers.append(step)

    def lines(self) -> list[str]:
        """Return the remarks in the order in which they came up; frames are counted from 1."""
        return [text + _listed(noun, numbers) for text, (noun, numbers) in self._found.items()]


def _listed(noun: str, numbers: list[int]) -> str:
    if not numbers:
        return ""
    more = len(numbers) - MOST_NAMED
    named = ", ".join(map(str, numbers[:MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
    return f" ({noun}{'s' * (len(numbers) > 1)} {named})"
