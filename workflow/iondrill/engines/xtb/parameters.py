"""tblite's own parameters of GFN1- and GFN2-xTB, as plain data."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iondrill.config.levels import XtbLevel


@cache
def parameters(method: str) -> dict[str, Any]:
    """Return the parametrisation of ``GFN2-xTB`` or ``GFN1-xTB``, as ``tblite param`` writes it."""
    from tblite import library

    export = {"GFN2-xTB": library.export_gfn2_param, "GFN1-xTB": library.export_gfn1_param}[method]
    exported, table = library.new_param(), library.new_table()
    export(exported)
    library.dump_param(exported, table)
    found: dict[str, Any] = library.table_to_dict(table)
    return found


def method_of(level: XtbLevel) -> str | dict[str, Any]:
    """Return what tblite is given as the method of a level: its name, or its parameters without dispersion."""
    if level.dispersion == "own":
        return level.method
    return {section: values for section, values in parameters(level.method).items() if section != "dispersion"}
