"""The ledger of claims as the page shows it: read from ``claims.json``, where there is one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "claims.json"
DECIDED = ("supported", "refuted")


class Entry(BaseModel):
    """A claim and its verdict; whatever else its row holds is left alone.

    Attributes
    ----------
    id, claim
        A short name, and what is claimed.
    verdict
        supported, refuted, or not shown.
    sentence
        The verdict in words, with number, interval and unit.
    level
        The level of theory: its name, or its title.
    verification
        How far that level was compared with one that is trusted.
    figure, data
        Files behind it, relative to the results.
    command
        What makes it again.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    claim: str
    verdict: str
    sentence: str
    level: str = ""
    verification: str = ""
    figure: str = ""
    data: str = ""
    command: str = ""

    @property
    def decided(self) -> bool:
        """Whether it is supported or refuted."""
        return self.verdict in DECIDED

    @property
    def why(self) -> str:
        """The sentence less what stands beside it: the verdict before it, and the command in it."""
        said = self.sentence.removeprefix("Not shown: ").replace(f": `{self.command}`", "")
        return f"{said[:1].upper()}{said[1:]}"


class _Ledger(BaseModel):
    claims: list[Entry]


def read_ledger(folder: Path) -> list[Entry]:
    """Return the claims of a folder of results; none without the file.

    Raises
    ------
    UserError
        If the file is cut or holds something else.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [_without_nothing(row) for row in content["claims"]]
        return _Ledger.model_validate({"claims": rows}).claims
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UserError.of(
            path,
            f"cannot be read ({type(error).__name__})",
            "needed: JSON with 'claims', each with id, claim, verdict and sentence",
        ) from None


def _without_nothing(row: dict[str, object]) -> dict[str, object]:
    """Return a row without what is null."""
    return {key: value for key, value in row.items() if value is not None}
