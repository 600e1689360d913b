"""The page of the documentation on what results hold: every file, and every column of every table."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

from iondrill.analyse.forms import FORMS
from iondrill.prepare.result_files import RESULT_FILES

if TYPE_CHECKING:
    from iondrill.analyse.columns import TableForm
    from iondrill.prepare.result_files import ResultFile

NOTE = "<!-- Made from the declarations by `iondrill docs`; change those instead. -->"
INTRODUCTION = """
What a run leaves in `results/`, besides the folders of its jobs. `snakemake` makes the files without a target. When one
marked "page" changes, `report.html` is made again; the crate is [one archive for others](crate.md). Tables are CSV:
numbers to their last digit, in the unit that the column's name ends in, and an empty cell for what there is not.
"""


def results_page() -> str:
    """Return the page in Markdown."""
    parts = ["# Results", NOTE, INTRODUCTION.strip(), "## Files", _files()]
    tables: dict[int, list[str]] = {}
    for path, form in FORMS.items():
        tables.setdefault(id(form), []).append(path)
    for paths in tables.values():
        form = FORMS[paths[0]]
        parts += [f"## {', '.join(f'`{_readable(path)}`' for path in paths)}", f"A row: {form.row}.", _columns(form)]
    return "\n\n".join(parts) + "\n"


def _files() -> str:
    rows = ["| file | holds | there for | target | page | crate |", "|---|---|---|---|---|---|"]
    return "\n".join([*rows, *(_file(file) for file in RESULT_FILES)])


def _file(file: ResultFile) -> str:
    target = "" if file.target == "all" else f"`{file.target}`"
    page, crate = ("yes" if mark else "" for mark in (file.page, file.crate or file.claims))
    words = _readable(file.what, "`<{}>`")
    return f"| `{_readable(file.path)}` | {words} | {file.of.words} | {target} | {page} | {crate} |"


def _columns(form: TableForm[Any]) -> str:
    rows = ["| column | unit | holds |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| `{each.name}` | {each.unit} | {each.meaning} |" for each in form.columns)])


def _readable(pattern: str, name: str = "<{}>") -> str:
    """Return a pattern with names in angle brackets."""
    return "".join(text + (name.format(field) if field else "") for text, field, _, _ in Formatter().parse(pattern))
