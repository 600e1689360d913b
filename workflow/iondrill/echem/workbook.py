"""Tables from a cycler's Excel export: LAND's, and others whose headings say their units.

Read by python-calamine (MIT), the optional extra ``cyclers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUFFIXES = {".xlsx", ".xls", ".xlsb", ".ods"}
TITLE_ROWS = 40
"""How many rows above the header a sheet may have."""


def read_workbook(path: Path, known: Callable[[str], bool]) -> tuple[list[str], list[list[str]]]:
    """Read the records of a workbook, cell by cell, as text: the header, and the rows of all its sheets of records.

    Exports split long records over sheets: those that have the same header, or go on without one, are joined.

    Parameters
    ----------
    path : Path
        The workbook.
    known : callable
        Says whether a cell is a heading; the header is the first row with two of them.

    Raises
    ------
    UserError
        If the extra is not installed, the file is no workbook, or no sheet has such a header.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise UserError.of(path, "is a workbook", "needed: `pip install iondrill[cyclers]`, or a CSV") from None
    try:
        workbook = CalamineWorkbook.from_path(path)
        sheets = [workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names]
    except (CalamineError, OSError) as error:
        raise UserError.of(path, f"cannot be read as a workbook: {error}") from None
    header: list[str] = []
    rows: list[list[str]] = []
    for cells in ([[_text(cell) for cell in row] for row in sheet] for sheet in sheets):
        top = next((i for i, row in enumerate(cells[:TITLE_ROWS]) if sum(known(cell) for cell in row) > 1), None)
        if not header and top is not None:
            header = cells[top]
        if header and (top is None or cells[top] == header):
            rows += [row for row in cells[0 if top is None else top + 1 :] if len(row) == len(header) and any(row)]
    if not header:
        raise UserError.of(path, "no sheet has a header with units", "needed: such as Current/mA and Voltage/V")
    return header, rows


def _text(cell: Any) -> str:
    return repr(cell) if isinstance(cell, float) else str(cell).strip()
