"""Rows of tables of results, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def position_of(row: Mapping[str, str]) -> str:
    """Return where the ions of a row were put, and how many if not one: ``cave``, ``cave, n = 2``."""
    return row["site"] if row["n"] == "1" else f"{row['site']}, n = {row['n']}"
