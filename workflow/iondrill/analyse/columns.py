"""What tables hold, declared once, column by column, next to the analysis that fills them.

A declared table is written and read by its declaration; headings and digits on the page, and the lists in the
documentation, follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from iondrill.analyse.tables import read_table, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.analyse.tables import Table

Row = TypeVar("Row")
Role = Literal["", "name", "level", "words"]
UNITS = {
    "eV_A": "eV/Å",
    "J_m2": "J/m²",
    "mAh_g": "mAh/g",
    "meV": "meV",
    "GPa": "GPa",
    "deg": "°",
    "eV": "eV",
    "fs": "fs",
    "ML": "ML",
    "Ry": "Ry",
    "au": "a.u.",
    "A": "Å",
    "K": "K",
    "e": "e",
    "s": "s",
}
"""What the endings of names of columns mean; an ending that holds another comes first."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table.

    Parameters
    ----------
    name : str
        In the file; it ends in the unit.
    meaning : str
        A line of Markdown.
    get : callable, optional
        Returns the cell of a row; by default its attribute, or what it has under this name.
    heading : str, optional
        On the page, without unit: by default the name in words.
    numeric : bool
        Whether it holds numbers.
    digits : int, optional
        Digits after the point on the page.
    role : str
        "name": it names the row; "level": the page shows the level's title; "words": it holds sentences.
    choice : bool
        Whether readers of the page choose rows by it.
    hidden : bool
        Whether the page leaves it out.
    """

    name: str
    meaning: str
    get: Callable[[Row], Any] | None = None
    heading: str | None = None
    numeric: bool = False
    digits: int | None = None
    role: Role = ""
    choice: bool = False
    hidden: bool = False

    @property
    def unit(self) -> str:
        """The unit that the name ends in; empty without."""
        return next((unit for ending, unit in UNITS.items() if self.name.endswith(f"_{ending}")), "")

    @property
    def words(self) -> str:
        """The heading, or the name without its unit."""
        if self.heading is not None:
            return self.heading
        ending = next((ending for ending in UNITS if self.name.endswith(f"_{ending}")), "")
        return self.name.removesuffix(f"_{ending}").replace("_", " ")

    @property
    def label(self) -> str:
        """The heading with the unit in brackets."""
        return f"{self.words} ({self.unit})" if self.unit else self.words

    def cell(self, row: Row) -> Any:
        """Return the cell of a row; None where there is nothing."""
        if self.get is not None:
            return self.get(row)
        return row[self.name] if isinstance(row, Mapping) else getattr(row, self.name)


def text(name: str, meaning: str, get: Callable[[Row], Any] | None = None, **page: Any) -> Column[Row]:
    """Return a column of words; see `Column`."""
    return Column(name, meaning, get, **page)


def number(name: str, meaning: str, get: Callable[[Row], Any] | None = None, **page: Any) -> Column[Row]:
    """Return a column of numbers; see `Column`."""
    return Column(name, meaning, get, numeric=True, **page)


@dataclass(frozen=True)
class TableForm(Generic[Row]):
    """What a table holds.

    Parameters
    ----------
    row : str
        What a row is, in words.
    columns : tuple of Column
        In the order of the file.
    """

    row: str
    columns: tuple[Column[Row], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def shown(self) -> tuple[Column[Row], ...]:
        """The columns that the page shows."""
        return tuple(column for column in self.columns if not column.hidden)

    def cells(self, row: Row) -> dict[str, Any]:
        """Return the cells of a row by column; None where there is nothing."""
        return {column.name: column.cell(row) for column in self.columns}

    def label(self, name: str) -> str:
        """Return the heading of a column with its unit; of one that is not declared, by its name."""
        return next((column for column in self.columns if column.name == name), Column[Row](name, "")).label

    def write(self, rows: Iterable[Row], path: Path) -> None:
        """Write a table; rows may come from a generator and are not kept."""
        write_table(path, self.names, ([column.cell(row) for column in self.columns] for row in rows))

    def read(self, path: Path) -> Table:
        """Read a table.

        Raises
        ------
        UserError
            If it is missing, has other columns, a row is cut, or a number is none.
        """
        table = read_table(path, self.names)
        for column in self.columns:
            if column.numeric:
                table.numbers(column.name)
        return table
