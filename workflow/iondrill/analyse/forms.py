"""What each table of the results holds, by its path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from iondrill.analyse.energies.barrier import PROFILE
from iondrill.prepare.result_files import RESULT_FILES

if TYPE_CHECKING:
    from iondrill.analyse.columns import TableForm


def _declared(table: str) -> TableForm[Any]:
    """Return the columns that a result file names."""
    module, _, name = table.rpartition(".")
    form: TableForm[Any] = getattr(import_module(f"iondrill.analyse.{module}"), name)
    return form


FORMS: dict[str, TableForm[Any]] = {
    **{file.path: _declared(file.table) for file in RESULT_FILES if file.table},
    "jobs/barriers/{job}/profile.csv": PROFILE,
}
