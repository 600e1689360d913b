"""The report: one page of HTML that needs no other file and no network."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from markupsafe import Markup

from iondrill.analyse.dynamics.rest import late_temperature
from iondrill.analyse.forms import FORMS
from iondrill.config.load import as_yaml
from iondrill.errors import Problem
from iondrill.files import write_text
from iondrill.geometry.bonds import BOND_SCALE
from iondrill.report.data import Missing, gathered
from iondrill.report.figure_files import write_figures, write_pictures
from iondrill.report.figures.svg import data_uri
from iondrill.report.outcome import refused_rows
from iondrill.report.sections.chapters import Chapter, chapters, events
from iondrill.report.sections.elf import localisation
from iondrill.report.sections.findings import caveats, findings, fourfold, signed
from iondrill.report.sections.highlights import highlights
from iondrill.report.sections.pictures import adsorption_picture, difference_picture, run_pictures, structure_pictures
from iondrill.report.sections.player import player_data
from iondrill.report.sections.site_pictures import site_picture

if TYPE_CHECKING:
    from iondrill.analyse.tables import Table
    from iondrill.engines.base import AttemptEntry
    from iondrill.report.data import JobRecord, Results, Run, Structure

MOST_FRAMES, MOST_FRAMES_OF_RUN = 2000, 300
"""Frames in the players, of all runs together and of one: they keep the page small."""
THERMOSTATS = {"csvr": "CSVR", "nose": "Nosé–Hoover"}
LIBRARY = Path(__file__).with_name("vendor") / "3Dmol-min.js"
PACKAGES = ("iondrill", "snakemake", "ase", "numpy", "matplotlib")


class Stage(NamedTuple):
    """All jobs of a stage at one level."""

    name: str
    level: str
    engine: str
    jobs: int
    converged: int
    wall_s: float
    core_s: float


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
        write_pictures((picture for group in context["pictures"] for picture in group.pictures), figures / "structures")
        drawn = (item[key] for item in context["elf"] for key in ("panel", "profiles", "transfer"))
        write_pictures(filter(None, drawn), figures / "elf")


def render(results: Results) -> str:
    """Return the page."""
    return _fill(_context(results))


def _fill(context: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader(__package__, ""), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"attempt": _attempt, "duration": duration, "histogram": _histogram}
    environment.globals |= {"cell": cell, "forms": FORMS}
    environment.globals["library"] = Markup(LIBRARY.read_text(encoding="utf-8"))  # noqa: S704  (the page's own script)
    text = environment.get_template("page.html").render(context, sections=_sections(context))
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


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


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _context(results: Results) -> dict[str, Any]:
    """Return what the template needs; what is empty makes no section."""
    runs = results.finished_runs
    sentences: dict[str, list[str]] = {}
    for text, level in findings(results):
        sentences.setdefault(level, []).append(text)
    rows = results.adsorption.rows if results.adsorption else []
    folder, problems = Path(results.config.results), list[Problem]()
    dynamics = [_dynamics(results, run, problems) for run in runs]
    elf = [localisation(results, run, problems) for run in runs if run.maps or run.events]
    further = list[Chapter]()
    with gathered(problems):
        further += chapters(results, folder)
    unread = [Missing(problem.where, "missing", problem.found) for problem in problems]
    return {
        "results": results,
        "version": version("iondrill"),
        "headline": _headline(results),
        "missing": [*results.missing, *unread],
        "failed_jobs": [job for job in results.computed if job.result.status != "converged"],
        "failed_rows": [row for row in rows if not row["E_ads_eV"]],
        "refused": len(refused_rows(results.adsorption)),
        "highlights": highlights(results),
        "findings": list(sentences.items()),
        "caveats": caveats(results, list(sentences)),
        "stages": _stages(results.computed),
        "diamonds": _diamonds(results.structures),
        "bond_scale": BOND_SCALE,
        "pictures": structure_pictures(results),
        "dynamics": dynamics,
        "elf": elf,
        "in_3d": any(item["player"] for item in dynamics) or any(item["surfaces"] for item in elf),
        "further": further,
        "compared": any(chapter.id == "contrasts" for chapter in further),
        "claims": [
            (comparison, claim)
            for chapter in further
            for comparison, claims in chapter.claims.items()
            for claim in claims
        ],
        "adsorption": (
            {
                "picture": adsorption_picture(results),
                "rows": rows,
                "sites": [site_picture(results, row) for row in rows],
            }
            if rows
            else None
        ),
        "differences": difference_picture(results),
        "config": as_yaml(results.config),
        "config_uri": data_uri(as_yaml(results.config), "application/yaml"),
        "versions": _versions(results.computed),
    }


def _sections(context: dict[str, Any]) -> list[tuple[str, str]]:
    """Return id and title of the sections that the page has."""
    results: Results = context["results"]
    sections = [
        (
            "failed",
            _failure(context["missing"], context["refused"]),
            any(context[key] for key in ("missing", "failed_jobs", "failed_rows")),
        ),
        ("summary", "Summary", True),
        ("dynamics", "Molecular dynamics", context["dynamics"]),
        ("elf", "Electron localisation", context["elf"]),
        ("adsorption", "Adsorption", context["adsorption"]),
        *((chapter.id, chapter.title, True) for chapter in context["further"]),
        ("structures", "Structures", results.structures),
        ("jobs", "Jobs", results.jobs),
        ("how", "How this was made", True),
    ]
    return [(name, title) for name, title, there in sections if there]


def _failure(missing: list[Missing], refused: int) -> str:
    title = "What did not converge or was refused" if refused else "What did not converge"
    return f"{title}, and what is not there" if missing else title


def _headline(results: Results) -> str:
    jobs = results.computed
    failed = sum(job.result.status != "converged" for job in jobs)
    levels = dict.fromkeys(results.title_of(job.id.level) for job in jobs)
    rows, refused = results.adsorption.rows if results.adsorption else [], len(refused_rows(results.adsorption))
    outcome = f"{failed} of {len(jobs)} jobs did not converge" if failed else f"{len(jobs)} jobs, all converged"
    if refused:
        outcome = outcome.replace(", all converged", " converged")
        outcome += f", {refused} of {len(rows)} adsorption energies refused"
    outcome += ", and not everything is there" if results.missing else ""
    core_s = sum(job.result.core_s for job in jobs)
    return f"{outcome}; {duration(core_s)} of core time; {'; '.join(levels)}." if jobs else "No job has ended."


def _stages(jobs: list[JobRecord]) -> list[Stage]:
    stages = []
    for name, level in dict.fromkeys((job.id.stage, job.id.level) for job in jobs):
        of = [job.result for job in jobs if (job.id.stage, job.id.level) == (name, level)]
        engines = dict.fromkeys(f"{result.engine} ({result.engine_version})" for result in of)
        converged = sum(result.status == "converged" for result in of)
        times = (sum(result.wall_s for result in of), sum(result.core_s for result in of))
        stages.append(Stage(name, level, ", ".join(engines), len(of), converged, *times))
    return stages


def _diamonds(structures: list[Structure]) -> list[tuple[Structure, dict[int, int], float]]:
    """Return the nanodiamonds, before and after relaxation together, with neighbours of C and sp³ fraction."""
    shares = ((item, *fourfold(item)) for item in structures if set(item.check.fragments) == {"nd"})
    return [(item, item.check.coordination.get("C", {}), n / total if total else 0.0) for item, n, total in shares]


def _dynamics(results: Results, run: Run, problems: list[Problem]) -> dict[str, Any]:
    """Return what the template needs of a run; what cannot be read is added to the problems."""
    folder, level = Path(results.config.results), results.title_of(run.level)
    most = max(50, min(MOST_FRAMES_OF_RUN, MOST_FRAMES // len(results.runs)))
    player, happened = None, None
    with gathered(problems):
        player = player_data(run, folder / "md" / run.name / "trajectory.traj", level, most)
    with gathered(problems):
        happened = events(folder, run.name, run.verification)
    return {
        "run": run,
        "text": _describe(results, run),
        "level": level,
        "pictures": run_pictures(results, run),
        "player": player,
        "legend": sorted({(look["meaning"], look["fill"]) for look in player["atoms"]}) if player else [],
        "happened": happened,
    }


def _describe(results: Results, run: Run) -> str:
    """Say what a run was, and how well its energy was conserved."""
    settings, thermostat = run.settings, run.settings.thermostat
    seed = results.config.seed if settings.seed is None else settings.seed
    parts = [
        f"{settings.assembly}: {settings.steps} steps of {settings.timestep_fs:g} fs",
        f"thermalised first for {_length_fs(run.before):g} fs at {settings.temperature_K:g} K, with a "
        f"thermostat of {settings.thermalise.time_constant_fs:g} fs on all that may move, seed {seed}"
        if run.before.rows
        else f"first velocities for {settings.temperature_K:g} K, seed {seed}",
        "constant energy"
        if thermostat.kind == "none"
        else f"{THERMOSTATS[thermostat.kind]} thermostat of {thermostat.time_constant_fs:g} fs on {thermostat.group}",
    ]
    if settings.launch_m_s:
        parts.append(f"nanodiamond launched at {settings.launch_m_s:g} m/s, an assumption")
    if settings.fix != "none":
        parts.append("the far edge of the flake fixed")
    temperature_K, conserved = (run.order.numbers(name) for name in ("temperature_K", "conserved_eV"))
    if (kept := late_temperature(temperature_K, settings.temperature_K)) is not None:
        parts.append(str(kept))
    if np.isfinite(conserved).all():
        change = f"{signed(1000 * (conserved[-1] - conserved[0]), 1)} meV"
        parts.append(f"the conserved quantity changed by {change} over {run.order.numbers('time_fs')[-1]:g} fs")
    return "; ".join(parts) + "."


def _length_fs(table: Table) -> float:
    """Return the time of the last frame."""
    return float(table.numbers("time_fs")[-1])


def _versions(jobs: list[JobRecord]) -> list[tuple[str, str]]:
    engines = dict.fromkeys((job.result.engine, job.result.engine_version) for job in jobs)
    return [*engines, ("Python", platform.python_version()), *((name, version(name)) for name in PACKAGES)]


def _attempt(attempt: AttemptEntry) -> str:
    return attempt.reason + (f" ({attempt.changed})" if attempt.changed else "")


def _histogram(structure: Structure) -> str:
    counts = structure.check.coordination.get("C", {})
    return ", ".join(f"{count} × {neighbours}" for neighbours, count in counts.items())
