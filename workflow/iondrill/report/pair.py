"""Two folders of results on one page: their answers, their curves over one another, and the differences of energies."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from iondrill.config.models import Config
from iondrill.errors import Problem, UserError
from iondrill.files import write_text
from iondrill.report.data import Results, gathered, read_results_so_far
from iondrill.report.figures.charts import Panel, order_panels
from iondrill.report.page.build import environment, tidy
from iondrill.report.sections.chapters import events
from iondrill.report.sections.first import FirstScreen, first_screen, main_run
from iondrill.report.sections.ledger import read_ledger
from iondrill.report.sections.made import headline
from iondrill.report.sections.pictures import curves
from iondrill.report.sections.still import still
from iondrill.report.sections.trust import badge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iondrill.report.sections.pictures import Picture

EMBEDDED = re.compile(r'<a download="config\.yaml" href="data:application/yaml;base64,([A-Za-z0-9+/=]+)"')
"""The configuration in a page, as `iondrill.report.page` writes it."""
SCRIPTS = ("tables", "figures", "viewer", "downloads", "links")
MOST_CURVES, MOST_ROWS = 4, 1000
"""In one figure: more cannot be told apart; and frames of a curve."""


class Side(NamedTuple):
    """One of the two."""

    name: str
    folder: Path
    results: Results
    first: FirstScreen
    headline: str
    page: str
    """Its own page, relative to that of both; empty if there is none."""


class Row(NamedTuple):
    """An ion on a site in both; None where one has no energy."""

    facet: str
    adsorbate: str
    site: str
    n: str
    first_eV: float | None
    second_eV: float | None

    @property
    def difference_eV(self) -> float | None:
        """The second less the first."""
        both = self.first_eV is not None and self.second_eV is not None
        return self.second_eV - self.first_eV if both else None  # type: ignore[operator]


def write_pair(folders: Sequence[Path], config: Config, path: Path) -> None:
    """Write the page of two folders of results.

    Parameters
    ----------
    folders : sequence of Path
        Two folders.
    config : Config
        Of a folder without a page of its own; a page holds the configuration that made it.
    path : Path
        The ``.html``.

    Raises
    ------
    UserError
        If there are not two folders, or a page holds no configuration that can be read.
    """
    missing = [folder for folder in folders if not (folder / "jobs").is_dir()]
    if len(folders) != 2 or missing:
        where = ", ".join(map(str, missing or folders))
        raise UserError.of(where, "no folder of results" if missing else "one folder alone", "needed: two such folders")
    first, second = (_side(name, folder, config, path) for name, folder in zip("AB", folders, strict=True))
    levels = {
        level: badge(side.results, level)
        for side in (first, second)
        for level in dict.fromkeys(row["level"] for row in _rows_of(side.results))
    }
    template = environment(first.results).get_template("pair.html")
    context: dict[str, Any] = {
        "title": f"{first.folder} and {second.folder}",
        "version": version("iondrill"),
        "sides": (first, second),
        "pictures": list(pictures_of_both(first.results, second.results)),
        "rows": rows_of_both(first.results, second.results),
        "levels": list(levels.values()),
        "scripts": SCRIPTS,
    }
    write_text(path, tidy(template.render(context)))


def config_of(folder: Path, config: Config) -> Config:
    """Return the configuration in the page of a folder; without a page another one, for this folder.

    Raises
    ------
    UserError
        If the page holds none that can be read.
    """
    page = folder / "report.html"
    if not page.exists():
        return config.model_copy(update={"results": str(folder)})
    found = EMBEDDED.search(page.read_text(encoding="utf-8"))
    try:
        content: dict[str, Any] = yaml.safe_load(b64decode(found[1]).decode()) if found else {}
        return Config.model_validate(content | {"results": str(folder)})
    except (TypeError, ValueError, yaml.YAMLError) as error:
        raise UserError.of(page, f"holds no configuration ({type(error).__name__})", "remedy: write it again") from None


def rows_of_both(first: Results, second: Results) -> list[Row]:
    """Return the rows of adsorption energies that both have; of a level that only one has, those of its only level."""
    tables = [_rows_of(results) for results in (first, second)]
    levels = [{row["level"] for row in rows} for rows in tables]
    by_level = bool(levels[0] & levels[1])
    if not by_level and any(len(each) != 1 for each in levels):
        return []
    keys = ("facet", "adsorbate", "site", "n", *(("level",) if by_level else ()))
    known = [{tuple(row[key] for key in keys): row["E_ads_eV"] for row in rows} for rows in tables]
    found = []
    for key in (key for key in known[0] if key in known[1]):
        facet, adsorbate, site, n = key[:4]
        first_eV, second_eV = (float(each[key]) if each[key] else None for each in known)
        found.append(Row(facet, adsorbate, site, n, first_eV, second_eV))
    return found


def pictures_of_both(first: Results, second: Results) -> Iterator[Picture]:
    """Yield the order parameters of the main runs, both in one figure."""
    found = [(run, results.title_of(run.level)) for results in (first, second) if (run := main_run(results))]
    if len(found) != 2:
        return
    level = " and ".join(dict.fromkeys(title for _, title in found))
    here, there = ({panel.title: panel for panel in order_panels(run, title, MOST_ROWS)} for run, title in found)
    for title in (title for title in here if title in there):
        named = {"A": here[title].curves, "B": there[title].curves}
        both = {f"{name}, {label}": curve for name, known in named.items() for label, curve in known.items()}
        if len(both) <= MOST_CURVES:
            yield curves(Panel("A and B", title, here[title].unit, level, both), "")


def _rows_of(results: Results) -> list[dict[str, str]]:
    return results.adsorption.rows if results.adsorption else []


def _side(name: str, folder: Path, config: Config, path: Path) -> Side:
    """Return one of the two; what cannot be read is not there."""
    results, unread = read_results_so_far(config_of(folder, config)), list[Problem]()
    run, happened, picture, claims = main_run(results), {}, None, []
    with gathered(unread):
        claims = read_ledger(folder)
    if run is not None:
        with gathered(unread):
            happened[run.name] = events(run.folder, run.verification)
            picture = still(results, run, happened[run.name])
    first = first_screen(results, claims, happened, [], picture)
    page = folder / "report.html"
    link = Path(os.path.relpath(page, path.parent)).as_posix() if page.exists() else ""
    return Side(name, folder, results, first, headline(results), link)
