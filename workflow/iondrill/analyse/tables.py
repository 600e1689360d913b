"""Tables as CSV: written whole or not at all, numbers to their last digit, nothing for what there is not."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from iondrill.errors import UserError
from iondrill.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Table:
    """A CSV file, cell by cell, as text."""

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

    def where(self, column: str, value: str) -> Self:
        """Return the rows that hold a value."""
        return replace(self, rows=[row for row in self.rows if row[column] == value])

    def thinned(self, most: int) -> Self:
        """Return at most so many rows, evenly spaced, ends included."""
        return replace(self, rows=[self.rows[i] for i in evenly(len(self.rows), most)])


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows under a header.

    Parameters
    ----------
    path : Path
        The ``.csv``.
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Python numbers and strings, a cell for each column; None becomes an empty cell.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


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


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read a table, cell by cell, as text: its header, and its rows, as long as the header.

    Raises
    ------
    UserError
        If it is missing, empty, or a row is cut.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, csv.Error):
        raise UserError.of(path, "is empty or no CSV", "needed: a header and rows") from None
    for line, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise UserError.of(f"{path} (line {line})", f"{len(row)} cells", f"needed: {len(header)}")
    return header, rows


def read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Read a table by columns.

    Returns
    -------
    dict of (n_rows,) array
        Of numbers, NaN for empty cells; of text where a cell is no number.

    Raises
    ------
    UserError
        See `read_rows`.
    """
    header, rows = read_rows(path)
    cells = zip(*rows, strict=True) if rows else [()] * len(header)
    return {name: _column(column) for name, column in zip(header, cells, strict=True)}


def _column(cells: Sequence[str]) -> NDArray[Any]:
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return np.array(cells)


def _number(cell: str, path: Path, column: str) -> float:
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        raise UserError.of(f"{path}: {column}", f"found '{cell}'", "allowed: a number, or nothing") from None


def evenly(total: int, most: int) -> list[int]:
    """Return at most `most` evenly spaced indices of `total`, ends included."""
    n = min(total, most)
    return [round(i * (total - 1) / max(n - 1, 1)) for i in range(n)]
