"""What was run, what became of it in a line, and what it was made with."""

from __future__ import annotations

import datetime as dt
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.report.outcome import refused_rows

if TYPE_CHECKING:
    from iondrill.report.data import JobRecord, Results

PAPER_DOI = "10.1002/eem2.12749"
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


def headline(results: Results) -> str:
    """Return what became of all jobs and adsorption energies, and what they cost."""
    jobs = results.computed
    if not jobs:
        return "No job has ended."
    failed = sum(job.result.status != "converged" for job in jobs)
    rows, refused = results.adsorption.rows if results.adsorption else [], len(refused_rows(results.adsorption))
    there = sum(bool(row["E_ads_eV"]) for row in rows)
    parts = [f"{failed} of {len(jobs)} jobs did not converge" if failed else f"{len(jobs)} jobs, all converged"]
    if rows:
        parts = [parts[0].replace(", all converged", " converged")] if there < len(rows) else parts
        parts.append(f"{there} of {len(rows)} adsorption energies" + (f", {refused} refused" if refused else ""))
    parts += ["not everything is there"] if results.missing else []
    return f"{'; '.join([*parts, f'{duration(sum(job.result.core_s for job in jobs))} of core time'])}."


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def stages(jobs: list[JobRecord]) -> list[Stage]:
    """Return what was run, by stage and level."""
    found = []
    for name, level in dict.fromkeys((job.id.stage, job.id.level) for job in jobs):
        of = [job.result for job in jobs if (job.id.stage, job.id.level) == (name, level)]
        engines = dict.fromkeys(f"{result.engine} ({result.engine_version})" for result in of)
        converged = sum(result.status == "converged" for result in of)
        times = (sum(result.wall_s for result in of), sum(result.core_s for result in of))
        found.append(Stage(name, level, ", ".join(engines), len(of), converged, *times))
    return found


def versions(jobs: list[JobRecord]) -> list[tuple[str, str]]:
    """Return the programs and packages that were used, with their versions."""
    engines = dict.fromkeys((job.result.engine, job.result.engine_version) for job in jobs)
    return [*engines, ("Python", platform.python_version()), *((name, version(name)) for name in PACKAGES)]


def provenance(results: Results) -> dict[str, Any]:
    """Return the commit of the code if it is known, the day of the last result, and the files beside the page."""
    folder = Path(results.config.results)
    dates = [path.stat().st_mtime for path in folder.glob("jobs/*/*/result.json")]
    last = dt.datetime.fromtimestamp(max(dates), dt.UTC).date().isoformat() if dates else ""
    files = sorted(path.name for kind in ("csv", "json", "md", "zip") for path in folder.glob(f"*.{kind}"))
    return {"commit": _commit(), "made": last, "files": files}


def _commit() -> str:
    """Return the commit of the code that runs; nothing where it is not in a repository of git."""
    root = Path(__file__).parents[4]  # of the repository, where the package is not installed apart from it
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
