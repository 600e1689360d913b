"""Chapters of the page that other stages fill: each shows the tables and figures that lie in the results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from iondrill.errors import UserError
from iondrill.report.findings import signed
from iondrill.report.pictures import Picture
from iondrill.report.svg import data_uri, themed
from iondrill.report.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from iondrill.report.data import Results

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
    "A": "Å",
    "K": "K",
    "e": "e",
    "s": "s",
}
"""What the endings of names of columns mean; an ending that holds another comes first."""
DIGITS, SMALL = 4, 0.01


class Cell(NamedTuple):
    """What a cell shows, and the value it sorts by; ``value`` is None for words."""

    shown: str
    value: str | None


class Column(NamedTuple):
    """A heading; numbers stand right."""

    label: str
    numeric: bool


class Sheet(NamedTuple):
    """A table of the page, and its file as a data URI."""

    name: str
    columns: list[Column]
    rows: list[list[Cell]]
    data: str


class Claim(NamedTuple):
    """A sentence that runs side by side support, or do not."""

    text: str
    verdict: str
    level: str


class Chapter(NamedTuple):
    """A section of the page."""

    id: str
    title: str
    note: str
    claims: dict[str, list[Claim]]
    sheets: list[Sheet]
    pictures: list[Picture]


CHAPTERS = {
    "contrasts": (
        "Controls and contrasts",
        "contrasts.csv",
        "Runs side by side: the change of each quantity, its mean over the second half of the frames less its start.",
    ),
    "diffraction": (
        "Diffraction",
        "diffraction.csv",
        "Reflections (00l) simulated from the structures, beside those of the paper's diffractograms.",
    ),
    "intercalation": (
        "Intercalation",
        "intercalation.csv",
        "Energies of ions between layers of graphite.",
    ),
    "barriers": (
        "Diffusion barriers",
        "barriers.csv",
        "Ions on their way from site to site.",
    ),
    "convergence": (
        "Convergence",
        "convergence/*.csv",
        "How far the numbers depend on the settings of the calculation.",
    ),
}
"""Title, files and note of each, by the id of its section."""


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
    for name, (title, pattern, note) in CHAPTERS.items():
        paths = sorted(folder.glob(pattern))
        sheets = [sheet(results, path) for path in paths]
        if any(each.rows for each in sheets):
            drawn = [path for csv_path in paths for path in (_figure_of(csv_path, folder),) if path.exists()]
            pictures = [_picture(path, title, each.data) for path, each in zip(drawn, sheets, strict=False)]
            claims = _claims(results, folder / "contrasts.json") if name == "contrasts" else {}
            yield Chapter(name, title, note, claims, [each for each in sheets if each.rows], pictures)


def events(folder: Path, run: str) -> list[dict[str, Any]]:
    """Return the events of a run from ``md/<run>/events.json``; none without the file.

    Raises
    ------
    UserError
        If it holds something else.
    """
    path = folder / "md" / run / "events.json"
    if not path.exists():
        return []
    found: list[dict[str, Any]] = _json(path, list[dict[str, Any]], "events")
    return [
        {
            "what": str(event.get("event", "")).replace("_", " "),
            "time_fs": event.get("time_fs"),
            "until_fs": event.get("until_fs"),
            "atoms": ", ".join(map(str, event.get("atoms", []))),
        }
        for event in found
    ]


def sheet(results: Results, path: Path) -> Sheet:
    """Read any CSV file as a table of the page: numbers to four digits, levels by their titles."""
    table = read_table(path)
    header, rows = table.columns, [list(row.values()) for row in table.rows]
    kept = [k for k in range(len(header)) if any(row[k] for row in rows)]
    numeric = [all(_is_number(row[k]) for row in rows) for k in kept]
    columns = [Column(label(header[k]), number) for k, number in zip(kept, numeric, strict=True)]
    cells = [
        [_cell(results, header[k], row[k], number) for k, number in zip(kept, numeric, strict=True)] for row in rows
    ]
    return Sheet(path.stem, columns, cells, data_uri(table.text, "text/csv"))


def label(column: str) -> str:
    """Return the name of a column with its unit in brackets."""
    for ending, unit in UNITS.items():
        if column.endswith(f"_{ending}"):
            return f"{column.removesuffix(f'_{ending}').replace('_', ' ')} ({unit})"
    return column.replace("_", " ")


def _cell(results: Results, column: str, raw: str, numeric: bool) -> Cell:
    if column == "level":
        return Cell(", ".join(results.title_of(name) for name in raw.split(", ")), None)
    if not numeric:
        return Cell(raw.replace("_", " ") if column in {"quantity", "status"} else raw, None)
    if not raw or raw.lstrip("-").isdigit():
        return Cell(raw.replace("-", "−"), raw)
    value = float(raw)
    if 0 < abs(value) < SMALL:
        return Cell(f"{value:.2e}".replace("-", "−"), raw)
    return Cell(signed(value, max(0, DIGITS - len(str(int(abs(value)))))), raw)


def _is_number(raw: str) -> bool:
    try:
        float(raw or "0")
    except ValueError:
        return False
    return True


def _figure_of(path: Path, folder: Path) -> Path:
    """Return where the figure of a table would be: beside it, or in ``figures/``."""
    beside = path.with_suffix(".svg")
    return beside if beside.exists() else folder / "figures" / beside.name


def _picture(path: Path, title: str, data: str) -> Picture:
    return Picture(
        src=data_uri(themed(path.read_text(encoding="utf-8")), "image/svg+xml"),
        alt=f"{title}: {path.stem}; its numbers stand in the table below",
        title=path.stem,
        caption="",
        level="level of theory: see the table",
        data=data,
        data_name=f"{path.stem}.csv",
        shape="wide",
    )


def _claims(results: Results, path: Path) -> dict[str, list[Claim]]:
    """Return what comparisons say, by what was compared; empty without the file."""
    if not path.exists():
        return {}
    claims: dict[str, list[Claim]] = {}
    for finding in _json(path, list[dict[str, Any]], "findings"):
        level = ", ".join(results.title_of(name) for name in str(finding.get("level", "")).split(", "))
        claim = Claim(str(finding.get("text", "")), str(finding.get("verdict", "")), level)
        claims.setdefault(str(finding.get("comparison", "")), []).append(claim)
    return claims


def _json(path: Path, kind: Any, key: str) -> Any:
    """Return what stands under a key of a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(kind).validate_python(content[key])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise UserError.of(path, f"cannot be read ({type(error).__name__})", f"needed: JSON with '{key}'") from None
