"""A file that another program writes, read as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Tail:
    """Lines that a file gained since it was last looked at; a line counts once its end is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def lines(self, at_once: int = 1) -> list[str]:
        """Return the new lines, a multiple of `at_once` of them; the rest stays for later."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                found = file.read().splitlines(keepends=True)
        except OSError:
            return []
        if found and not found[-1].endswith(b"\n"):
            found.pop()
        found = found[: len(found) // at_once * at_once]
        self._offset += sum(map(len, found))
        return [line.decode("utf-8", "replace") for line in found]
