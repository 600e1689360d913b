"""Tables as CSV: written whole or not at all, numbers to their last digit, nothing for what there is not."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from iondrill.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


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
