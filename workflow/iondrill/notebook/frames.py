"""Tables of results as data frames of pandas, read when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pandas as pd

from iondrill.analyse.forms import FORMS
from iondrill.analyse.tables import read_table
from iondrill.errors import UserError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.analyse.columns import TableForm

Value = TypeVar("Value")


class Lazy(Mapping[str, Value], Generic[Value]):
    """What there is one of for each name, read when it is asked for, and once.

    Parameters
    ----------
    where : str
        What it is, for messages.
    names : list of str
        The names that there are.
    read : callable
        Returns the value of a name.
    """

    def __init__(self, where: str, names: list[str], read: Callable[[str], Value]) -> None:
        self._where, self._names, self._read = where, names, read
        self._known: dict[str, Value] = {}

    def __getitem__(self, name: str | int) -> Value:
        """Return the value of a name.

        Raises
        ------
        KeyError
            If there is no such name; it says which there are.
        """
        name = str(name)
        if name not in self._names:
            raise KeyError(f"{self._where}: no {name}; {nearest(name, self._names)}")
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return str(name) in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<{self._where}: {', '.join(self._names) or 'nothing'}>"


def read_frame(folder: Path, path: str) -> pd.DataFrame:
    """Return a table of results as a data frame.

    Parameters
    ----------
    folder : Path
        The results.
    path : str
        Of the ``.csv`` in them.

    Returns
    -------
    DataFrame
        With the columns of the file: text as text, empty cells of numbers as NaN. ``attrs`` has the ``units`` and
        ``meanings`` of the columns by their names, as far as the table is declared.

    Raises
    ------
    UserError
        If it is missing, cut, or has other columns than it should.
    """
    form = form_of(path)
    table = read_table(folder / path) if form is None else form.read(folder / path)
    numeric = set(table.columns) if form is None else {column.name for column in form.columns if column.numeric}
    frame = pd.DataFrame({name: [row[name] for row in table.rows] for name in table.columns})
    for name in table.columns:
        if name in numeric:
            try:
                frame[name] = pd.to_numeric(frame[name])
            except ValueError:
                if form is not None:
                    raise UserError.of(folder / path, f"{name} holds what is no number") from None
    if form is not None:
        frame.attrs["units"] = {column.name: column.unit for column in form.columns}
        frame.attrs["meanings"] = {column.name: column.meaning for column in form.columns}
    return frame


def form_of(path: str) -> TableForm[Any] | None:
    """Return what declares the columns of a table by its path in the results; None of one that is not declared."""
    return next((form for pattern, form in FORMS.items() if _pattern(pattern).fullmatch(path)), None)


def _pattern(path: str) -> re.Pattern[str]:
    """Return the expression of a path with names in braces."""
    parts = (re.escape(text) + ("[^/]+" if field else "") for text, field, _, _ in Formatter().parse(path))
    return re.compile("".join(parts))
