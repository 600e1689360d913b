"""Tables of results, cell by cell as they stand in their files."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.tables import read_rows
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Table:
    """A CSV file, cell by cell as it stands there."""

    path: Path
    columns: tuple[str, ...]
    rows: list[dict[str, str]]

    @property
    def text(self) -> str:
        """The table as CSV."""
        out = io.StringIO()
        writer = csv.DictWriter(out, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN for empty cells.

        Raises
        ------
        UserError
            If a cell holds something else.
        """
        return np.array([_number(row[column], self.path, column) for row in self.rows])

    def where(self, column: str, value: str) -> Table:
        """Return the rows that hold a value."""
        return Table(self.path, self.columns, [row for row in self.rows if row[column] == value])

    def thinned(self, most: int) -> Table:
        """Return at most so many rows, evenly spaced, ends included."""
        return Table(self.path, self.columns, [self.rows[i] for i in evenly(len(self.rows), most)])


def read_table(path: Path, columns: Sequence[str] | None = None) -> Table:
    """Read a CSV file that has these columns, or any.

    Raises
    ------
    UserError
        If it is missing, has other columns, or a row is cut.
    """
    header, rows = read_rows(path)
    if columns is not None and header != list(columns):
        raise UserError.of(f"{path} (line 1)", f"found the columns {','.join(header)[:120]}", ",".join(columns))
    return Table(path, tuple(header), [dict(zip(header, row, strict=True)) for row in rows])


def place_of(row: Mapping[str, str]) -> str:
    """Return where the ions of a row were put, and how many if not one: ``cave``, ``cave, n = 2``."""
    return row["site"] if row["n"] == "1" else f"{row['site']}, n = {row['n']}"


def _number(cell: str, path: Path, column: str) -> float:
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        raise UserError.of(f"{path}: {column}", f"found '{cell}'", "allowed: a number, or nothing") from None


def evenly(total: int, most: int) -> list[int]:
    """Return at most `most` evenly spaced indices of `total`, ends included."""
    if total <= most:
        return list(range(total))
    return sorted({round(i * (total - 1) / max(most - 1, 1)) for i in range(most)})
