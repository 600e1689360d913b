"""Chapters of the page that other stages fill: each shows the tables and figures that lie in the results."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from iondrill.analyse.dynamics.cases import QUANTITIES
from iondrill.analyse.dynamics.order import CC_BOND_A
from iondrill.analyse.forms import FORMS
from iondrill.analyse.tables import read_table
from iondrill.errors import UserError
from iondrill.files import is_empty
from iondrill.prepare.plan import Plan
from iondrill.prepare.result_files import RESULT_FILES
from iondrill.report.data import marked
from iondrill.report.figures.diffraction import disagreement
from iondrill.report.figures.svg import data_uri, themed
from iondrill.report.sections.findings import signed
from iondrill.report.sections.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from iondrill.analyse.columns import TableForm
    from iondrill.analyse.verification.record import Verification
    from iondrill.report.data import Results

DIGITS, SMALL, ROUNDING = 4, 0.01, 1e-12


class Cell(NamedTuple):
    """What a cell shows, and the value it sorts by; ``value`` is None for words."""

    shown: str
    value: str | None


class Heading(NamedTuple):
    """A heading; numbers are aligned right."""

    label: str
    numeric: bool
    name: str
    """Of the column, in the file."""


class Sheet(NamedTuple):
    """A table of the page, and its file as a data URI."""

    name: str
    columns: list[Heading]
    rows: list[list[Cell]]
    data: str
    levels: list[str]
    """Names of the levels of its rows; a table of one level has no column that says it."""
    left_out: int = 0
    """Rows that another configuration made."""


class Claim(NamedTuple):
    """A sentence that runs side by side support, or do not."""

    text: str
    verdict: str
    level: str


class Happened(NamedTuple):
    """The events of a run, and what was looked for in words."""

    rows: list[dict[str, Any]]
    watched: str
    unseen: str
    """What was looked for and not seen, as the end of a sentence; it holds where there are no rows."""


class Chapter(NamedTuple):
    """A section of the page."""

    id: str
    title: str
    notes: list[str]
    claims: dict[str, list[Claim]]
    sheets: list[Sheet]
    pictures: list[Picture]
    quiet: str = ""
    """Of a chapter that has nothing to say: why. It is folded."""

    @property
    def levels(self) -> list[str]:
        """The names of its levels."""
        return list(dict.fromkeys(level for sheet in self.sheets for level in sheet.levels))


STACKS = (
    "The reflections are those of thick stacks. Two layers alone have no sharp reflection; theirs is about ten degrees "
    "wide. So a diffractogram shows mean distances. It neither confirms nor refutes what happens at the edge of a "
    "bilayer."
)
NO_COMPARISON = "No two cases differ in exactly one factor, so no effect can be attributed."
LEFT_OUT = "{0.name}.csv has {0.left_out} rows that this configuration does not ask for; they are not shown."


def chapters(results: Results, folder: Path) -> Iterator[Chapter]:
    """Yield a chapter for each kind of result that is there.

    Parameters
    ----------
    results : Results
        The run.
    folder : Path
        Of the results.

    Raises
    ------
    UserError
        If a file is cut or holds something else.
    """
    plan = Plan(results.config)
    for file in RESULT_FILES:
        if file.chapter is None:
            continue
        (name, title, note, asked), notes, claims = file.chapter, list[str](), dict[str, list[Claim]]()
        of = {folder / file.path.format(**names): names for names in file.of.names(plan)}
        paths = sorted(path for path in of if path.exists() and not is_empty(path))
        sheets = [sheet(results, path, FORMS[file.path], asked(results.config, of[path])) for path in paths]
        if any(each.rows for each in sheets):
            drawn = [(_figure_of(path, folder), each) for path, each in zip(paths, sheets, strict=True)]
            # a figure shows all rows
            pictures = [
                _picture(figure, path, title, each.data)
                for (figure, each), path in zip(drawn, paths, strict=True)
                if figure.exists() and not each.left_out
            ]
            quiet = ""
            notes += [note, *(LEFT_OUT.format(each) for each in sheets if each.left_out)]
            if name == "contrasts" and (folder / "contrasts.json").exists():
                more, claims = _compared(results, folder / "contrasts.json")
                notes += more
                quiet = "" if claims else NO_COMPARISON
            if name == "diffraction":
                notes += [*disagreement(read_table(paths[0])), STACKS]
                quiet = note
            shown = [each for each in sheets if each.rows and not (name == "contrasts" and _of_one_case(each))]
            yield Chapter(name, title, notes, claims, shown, pictures, quiet)


def _of_one_case(each: Sheet) -> bool:
    """Say whether the comparison of runs holds one case, which compares nothing."""
    (at,) = [k for k, column in enumerate(each.columns) if column.name == "case"]
    return len({row[at].shown for row in each.rows}) == 1


def events(folder: Path, verification: Verification | None = None) -> Happened | None:
    """Return the events of a run from ``events.json`` in its folder, and which are the model's; None without the file.

    Raises
    ------
    UserError
        If it holds something else.
    """
    path = folder / "events.json"
    if not path.exists():
        return None
    rows = [
        {
            "what": marked(str(event.get("event", "")), verification),
            "time_fs": event.get("time_fs"),
            "until_fs": event.get("until_fs"),
            "atoms": ", ".join(map(str, event.get("atoms", []))),
        }
        for event in _json(path, list[dict[str, Any]], "events")
    ]
    criteria, watched_fs = _json(path, dict[str, float | None], "criteria"), _json(path, float, "watched_fs")
    return Happened(rows, _watched(criteria, watched_fs, bool(rows)), _unseen(criteria))


def _watched(criteria: dict[str, float | None], watched_fs: float, happened: bool) -> str:
    """Say what was looked for, and how long."""
    sought = [f"a C–C bond of nanodiamond and flake (below {CC_BOND_A:g} Å)", "an ion outside the flake"]
    if criteria.get("start_gap_A") is not None:
        sought.insert(0, f"a gap at the edge more than {criteria['opened_by_A']:g} Å wider than at the start")
    outcome = "The table lists what was seen." if happened else "None of these events was seen."
    lasting = f"events that last at least {criteria['lasting_fs']:g} fs"
    return f"The run was watched for {watched_fs:g} fs for {lasting}: {', '.join(sought)}. {outcome}"


def _unseen(criteria: dict[str, float | None]) -> str:
    opening = "no opening of the layers, " if criteria.get("start_gap_A") is not None else ""
    return f"{opening}no bond of nanodiamond and flake and no expelled ion was seen"


def sheet(results: Results, path: Path, form: TableForm[Any], only: Mapping[str, set[str]] | None = None) -> Sheet:
    """Read any CSV file as a table of the page: numbers to four digits, levels by their titles.

    Parameters
    ----------
    results : Results
        The run.
    path : Path
        The file.
    form : TableForm
        Its headings; columns that it does not have get theirs from their names.
    only : mapping, optional
        What columns may contain; rows with anything else are left out.
    """
    table = read_table(path)
    asked = [
        row for row in table.rows if all(row.get(name, "") in {"", *values} for name, values in (only or {}).items())
    ]
    left_out = len(table.rows) - len(asked)
    table = replace(table, rows=asked)
    header, rows = table.columns, [list(row.values()) for row in table.rows]
    levels = list(dict.fromkeys(row["level"] for row in table.rows if row.get("level")))
    told = {"level"} if len(levels) == 1 else set()
    kept = [k for k in range(len(header)) if any(row[k] for row in rows) and header[k] not in told]
    numeric = [all(_is_number(row[k]) for row in rows) for k in kept]
    columns = [Heading(form.label(header[k]), number, header[k]) for k, number in zip(kept, numeric, strict=True)]
    cells = [
        [_cell(results, header[k], row[k], number) for k, number in zip(kept, numeric, strict=True)] for row in rows
    ]
    return Sheet(path.stem, columns, cells, data_uri(table.text, "text/csv"), levels, left_out)


def _cell(results: Results, column: str, raw: str, numeric: bool) -> Cell:
    if column == "level":
        return Cell(results.title_of(raw), None)
    if not numeric:
        return Cell(_in_words(column, raw), None)
    if not raw or raw.lstrip("-").isdigit():
        return Cell(raw.replace("-", "−"), raw)
    value = float(raw)
    if ROUNDING < abs(value) < SMALL:
        return Cell(f"{value:.2e}".replace("-", "−"), raw)
    return Cell(signed(value, max(0, DIGITS - len(str(int(abs(value)))))), raw)


def _in_words(column: str, raw: str) -> str:
    if column == "quantity" and raw in QUANTITIES:
        words, unit = QUANTITIES[raw]
        return f"{words} ({unit})" if unit else words
    return raw.replace("_", " ") if column in {"quantity", "status"} else raw


def _is_number(raw: str) -> bool:
    try:
        float(raw or "0")
    except ValueError:
        return False
    return True


def _figure_of(path: Path, folder: Path) -> Path:
    """Return where the figure of a table would be: next to it, or in ``figures/``."""
    figure = path.with_suffix(".svg")
    return figure if figure.exists() else folder / "figures" / figure.name


def _picture(figure: Path, path: Path, title: str, data: str) -> Picture:
    """Return the figure of a table."""
    return Picture(
        src=data_uri(themed(figure.read_text(encoding="utf-8")), "image/svg+xml"),
        alt=f"{title}: {path.stem}; its numbers are in the table below",
        title=path.stem.replace("-", " ").capitalize(),
        caption="",
        level="level of theory or source: see the table",
        data=data,
        data_name=f"{path.stem}.csv",
        shape="wide",
        files=(figure, path),
    )


def _compared(results: Results, path: Path) -> tuple[list[str], dict[str, list[Claim]]]:
    """Return what is to be known of comparisons, and what each says, by what was compared."""
    claims: dict[str, list[Claim]] = {}
    for finding in _json(path, list[dict[str, Any]], "findings"):
        # a comparison of one level alone may be of a version that wrote no list of them
        level = ", ".join(map(results.title_of, finding.get("levels", [str(finding.get("level", ""))])))
        claim = Claim(str(finding.get("text", "")), str(finding.get("verdict", "")), level)
        claims.setdefault(str(finding.get("comparison", "")), []).append(claim)
    left_out = _json(path, list[str], "left_out")
    notes = [_json(path, str, "criterion")] if claims else [NO_COMPARISON]
    notes += [f"Left out, not converged, refused or not there: {', '.join(left_out)}."] if left_out else []
    return notes, claims


def _json(path: Path, kind: Any, key: str) -> Any:
    """Return the content of a key of a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(kind).validate_python(content[key])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise UserError.of(path, f"cannot be read ({type(error).__name__})", f"needed: JSON with '{key}'") from None
