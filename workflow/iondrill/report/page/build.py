"""The report: one page of HTML that needs no other file and no network."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from iondrill.analyse.forms import FORMS
from iondrill.config.load import as_yaml
from iondrill.errors import Problem
from iondrill.files import write_text
from iondrill.geometry.bonds import BOND_SCALE
from iondrill.report.data import UNDER_WAY, Missing, gathered
from iondrill.report.figure_files import write_figures, write_pictures
from iondrill.report.figures.svg import data_uri
from iondrill.report.layout import layout
from iondrill.report.names import typeset
from iondrill.report.outcome import refused_rows
from iondrill.report.sections.adsorption import energies
from iondrill.report.sections.chapters import Chapter, chapters
from iondrill.report.sections.dynamics import dynamics
from iondrill.report.sections.elf import localisation
from iondrill.report.sections.findings import fourfold, of_nanodiamonds, signed
from iondrill.report.sections.first import first_screen, main_run
from iondrill.report.sections.ledger import Entry, read_ledger
from iondrill.report.sections.made import PAPER_DOI, duration, headline, provenance, stages, versions
from iondrill.report.sections.pictures import adsorption_picture, difference_picture, structure_pictures
from iondrill.report.sections.still import still
from iondrill.report.sections.trust import badge, badge_of_energies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from iondrill.engines.base import AttemptEntry
    from iondrill.report.data import Results, Structure

SCRIPTS = (
    "tables",
    "figures",
    "film",
    "viewer",
    "overlay",
    "strips",
    "player",
    "downloads",
    "rows",
    "surface",
    "links",
)
"""Of the page, in their order."""
LIBRARY = Path(__file__).with_name("vendor") / "3Dmol-min.js"


def write_page(results: Results, path: Path, figures: Path | None = None) -> None:
    """Write the report.

    Parameters
    ----------
    results : Results
        What it tells about.
    path : Path
        The ``.html``; the same results give the same bytes.
    figures : Path, optional
        A folder for the page's drawings as files of their own: see `iondrill.report.figure_files`.
    """
    context = _context(results)
    write_text(path, _fill(context))
    if figures is not None:
        write_figures(results, figures)
        summary = environment(results).get_template("summary.html").render(context)
        write_text(figures / "summary.html", tidy(summary))
        write_pictures((picture for group in context["pictures"] for picture in group.pictures), figures / "structures")
        drawn = (item[key] for item in context["elf"] for key in ("panel", "profiles", "transfer"))
        write_pictures(filter(None, drawn), figures / "elf")


def render(results: Results, *, follow: bool = False) -> str:
    """Return the page; one that is followed asks its server whether there is a newer one."""
    return _fill(_context(results), follow=follow)


def _fill(context: dict[str, Any], *, follow: bool = False) -> str:
    scripts = (*SCRIPTS, "follow") if follow else SCRIPTS
    template = environment(context["results"]).get_template("page.html")
    return tidy(template.render(context, sections=_sections(context), scripts=scripts, follow=follow))


def environment(results: Results) -> Environment:
    """Return what fills the templates of a page about results."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    names = {*results.config.adsorption.facets, *(structure.name for structure in results.structures)}
    made = Environment(loader=PackageLoader(__package__, ""), autoescape=True, undefined=StrictUndefined)
    made.filters |= {
        "attempt": _attempt,
        "duration": duration,
        "histogram": _histogram,
        "typeset": lambda text: text if isinstance(text, Markup) else typeset(str(text), names),
        "lower_first": lambda words: words if words[:2].isupper() or "_" in words else words[:1].lower() + words[1:],
    }
    made.globals |= {
        "cell": cell,
        "forms": FORMS,
        "signed": signed,
        "rounded": lambda raw, digits: signed(float(raw), digits or 0),
        "title_of": results.title_of,
        "badge_of": lambda level: badge(results, level),
        "badge_of_energies": lambda level: badge_of_energies(results, level),
        "layout_of": layout,
        "path": lambda name: _linked(Path(results.config.results), name),
        "files_of": lambda picture: _names(Path(results.config.results), picture.files),
    }
    made.globals["library"] = Markup(LIBRARY.read_text(encoding="utf-8"))  # noqa: S704  (the page's own script)
    return made


def tidy(text: str) -> str:
    """Return a page without blanks at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _names(folder: Path, files: Sequence[Path]) -> list[str]:
    """Return the names of files of the results, relative to their folder, and of no others."""
    return [path.relative_to(folder).as_posix() for path in files if path.is_relative_to(folder) and path.exists()]


def _linked(folder: Path, name: str) -> Markup:
    """Return the name of a file of the results, as a link relative to the page if it is there."""
    form = '<a href="{}">{}</a>' if (folder / name).exists() else "<code>{1}</code>"
    return Markup(form).format(quote(name), name)  # noqa: S704  (a literal)


def cell(value: float | str | None, digits: int = 0) -> Markup:
    """Return a table cell that shows a number rounded and keeps it whole in ``data-value``.

    Parameters
    ----------
    value : float, str or None
        A number, as such or as text of a CSV file; None or "" makes an empty cell.
    digits : int
        Shown after the point.
    """
    raw = "" if value is None else str(value)
    return Markup('<td class="number" data-value="{}">{}</td>').format(raw, signed(float(raw), digits) if raw else "")


def _context(results: Results) -> dict[str, Any]:
    """Return what the template needs; what is empty makes no section."""
    rows = energies(results)
    folder, problems = Path(results.config.results), list[Problem]()
    told = [dynamics(results, run, problems) for run in [*results.finished_runs, *results.running]]
    elf = [localisation(results, run, problems) for run in results.finished_runs if run.maps or run.events]
    further, claims, picture = list[Chapter](), list[Entry](), None
    with gathered(problems):
        further += chapters(results, folder)
    with gathered(problems):
        claims += read_ledger(folder)
    compared = [claim for chapter in further for said in chapter.claims.values() for claim in said]
    happened = {item["run"].name: item["happened"] for item in told}
    if (main := main_run(results)) is not None:
        with gathered(problems):
            picture = still(results, main, happened[main.name])
    missing = [*results.missing, *(Missing(problem.where, "missing", problem.found) for problem in problems)]
    failed_jobs = [job for job in results.computed if job.result.status != "converged"]
    failed_rows = [row for row in rows.rows if row.energy_eV is None] if rows else []
    return {
        "results": results,
        "version": version("iondrill"),
        "headline": headline(results),
        "first": first_screen(results, claims, happened, compared, picture),
        "claims": claims,
        "missing": missing,
        "failed_jobs": failed_jobs,
        "failed_rows": failed_rows,
        "failing": bool(missing or failed_jobs or failed_rows),
        "coming": _coming(missing) and not failed_jobs and not failed_rows,
        "refused": len(refused_rows(results.adsorption)),
        "stages": stages(results.computed),
        "diamonds": _diamonds(results.structures),
        "structures_say": list(of_nanodiamonds(results)),
        "bond_scale": BOND_SCALE,
        "pictures": structure_pictures(results),
        "dynamics": told,
        "elf": elf,
        "in_3d": any(item["player"] for item in told) or any(item["surfaces"] for item in elf) or rows is not None,
        "further": further,
        "compared": bool(compared),
        "adsorption": rows,
        "adsorption_picture": adsorption_picture(results),
        "layout": layout(FORMS["adsorption.csv"], [row.cells for row in rows.rows]) if rows else None,
        "differences": difference_picture(results),
        "config": as_yaml(results.config),
        "config_uri": data_uri(as_yaml(results.config), "application/yaml"),
        "versions": versions(results.computed),
        "paper": PAPER_DOI,
        **provenance(results),
    }


def _sections(context: dict[str, Any]) -> list[tuple[str, str]]:
    """Return id and title of the sections that the page has."""
    results: Results = context["results"]
    sections = [
        ("summary", "Summary", True),
        ("failed", _failure(context), context["failing"]),
        ("claims", "Claims", context["claims"]),
        ("dynamics", "Molecular dynamics", context["dynamics"]),
        ("elf", "Electron localisation", context["elf"]),
        ("adsorption", "Adsorption", context["adsorption"]),
        *((chapter.id, chapter.title, True) for chapter in context["further"]),
        ("structures", "Structures", results.structures),
        ("jobs", "Jobs", results.jobs),
        ("how", "How this was made", True),
    ]
    return [(name, title) for name, title, there in sections if there]


def _failure(context: dict[str, Any]) -> str:
    if context["coming"]:
        return "What is still to come"
    title = "What did not converge or was refused" if context["refused"] else "What did not converge"
    return f"{title}, and what is not there" if context["missing"] else title


def _coming(missing: list[Missing]) -> bool:
    """Say whether what is not there is on its way: jobs run or wait, and none has stopped."""
    states = {item.state for item in missing}
    return bool(states & {*UNDER_WAY}) and states <= {*UNDER_WAY, "missing"}


def _diamonds(structures: list[Structure]) -> list[tuple[Structure, dict[int, int], float]]:
    """Return the nanodiamonds, before and after relaxation together, with neighbours of C and sp³ fraction."""
    shares = ((item, *fourfold(item)) for item in structures if set(item.check.fragments) == {"nd"})
    return [(item, item.check.coordination.get("C", {}), n / total if total else 0.0) for item, n, total in shares]


def _attempt(attempt: AttemptEntry) -> str:
    return attempt.reason + (f" ({attempt.changed})" if attempt.changed else "")


def _histogram(structure: Structure) -> str:
    counts = structure.check.coordination.get("C", {})
    return ", ".join(f"{count} × {neighbours}" for neighbours, count in counts.items())
