"""Which columns of a table the page shows: none that is empty, none that says the same in every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iondrill.analyse.columns import Column, TableForm

ALWAYS = ("name", "words")
"""Roles of columns that are shown though they say the same in every row."""
KEPT = frozenset({"adsorbate", "site", "E_ads_eV"})
"""Columns that a reader looks for."""


class Layout(NamedTuple):
    """Columns that are shown, and those that say the same in every row, with what they say."""

    shown: list[Column[Any]]
    same: list[tuple[Column[Any], str]]

    def has(self, name: str) -> bool:
        """Say whether a column is shown, or says the same in every row: whether there is anything in it."""
        return any(column.name == name for column in [*self.shown, *(column for column, _ in self.same)])


def layout(form: TableForm[Any], rows: Sequence[Mapping[str, str]]) -> Layout:
    """Return how a table is shown.

    Parameters
    ----------
    form : TableForm
        Its columns.
    rows : sequence of mapping
        Its cells; of a single row all columns that are not empty are shown.
    """
    shown, same = list[Any](), list[Any]()
    for column in form.shown:
        values = {row.get(column.name, "") for row in rows}
        if values == {""}:
            continue
        if len(rows) > 1 and len(values) == 1 and column.role not in ALWAYS and column.name not in KEPT:
            same.append((column, next(iter(values))))
        else:
            shown.append(column)
    return Layout(shown, same)
