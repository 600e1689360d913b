"""The result files that the report is made from, read into plain objects."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iondrill.analyse.dynamics.charges import CHARGES
from iondrill.analyse.dynamics.order import ORDER
from iondrill.analyse.dynamics.rest import Rest, at_rest
from iondrill.analyse.elf.contacts import CONTACTS
from iondrill.analyse.elf.event_frames import EventFrame, own_steps, read_events
from iondrill.analyse.energies.adsorption_table import AdsorptionTable, read_adsorption
from iondrill.analyse.energies.level_differences import DIFFERENCES
from iondrill.analyse.verification.record import FILE as VERIFIED
from iondrill.analyse.verification.record import Verification
from iondrill.analyse.verification.twins import MARK, in_words
from iondrill.collect.progress import progress
from iondrill.config.load import load
from iondrill.engines.base import Result, read_result
from iondrill.errors import MESSAGE_PREFIX, TOOK, Problem, UserError
from iondrill.files import is_empty
from iondrill.geometry.checks import Check, read_structure
from iondrill.jobs.name import CLEAN, JobId, parse_structure_name
from iondrill.prepare.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ase import Atoms

    from iondrill.analyse.tables import Table
    from iondrill.collect.progress import Progress
    from iondrill.config.models import Config, MdRun

ENDED = ("converged", "not_converged", "failed", "not_due")
UNDER_WAY = ("waiting", "written", "running")
"""States of jobs that are to be run, or run."""
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class JobRecord:
    """A job and how it ended."""

    id: JobId
    result: Result


class Missing(NamedTuple):
    """What is not there, or cannot be read."""

    what: str
    """A job, ``<stage>/<name>``, or a file."""
    state: str
    """One word: see `iondrill.collect.progress.State`, or ``missing``."""
    why: str


@dataclass(frozen=True)
class Structure:
    """A structure at one moment: as built, relaxed, or the end of a run."""

    name: str
    state: str
    """``as built``, ``assembled``, ``relaxed`` or ``last frame``."""
    level: str | None
    """Name of the level at which its geometry was made; None as built."""
    atoms: Atoms
    check: Check
    path: Path
    """Of its file."""

    def has(self, fragment: str) -> bool:
        """Say whether it holds atoms of a fragment."""
        return fragment in self.check.fragments


@dataclass(frozen=True)
class ElfFrame:
    """The map of one frame."""

    step: int
    time_fs: float
    image: Path
    events: tuple[str, ...] = ()
    """In words, what begins in it."""

    @property
    def name(self) -> str:
        """Of the frame, in its files."""
        return self.image.stem


@dataclass(frozen=True)
class Run:
    """What one run of molecular dynamics gave."""

    name: str
    settings: MdRun
    level: str
    order: Table
    before: Table
    """Order parameters while it was thermalised; no rows if it was not."""
    charges: Table
    contacts: Table | None
    maps: list[ElfFrame]
    verification: Verification | None = None
    events: list[EventFrame] = field(default_factory=list)
    """Those of ``elf.events``, and where each is."""
    folder: Path = Path()
    """Of its trajectory, order parameters and events."""

    def rest(self, column: str) -> Rest | None:
        """Return an order parameter before the launch; None if the run was not thermalised, or does not have it."""
        return at_rest(self.before.numbers(column))


@dataclass(frozen=True)
class Results:
    """Everything the report tells about."""

    config: Config
    jobs: list[JobRecord]
    structures: list[Structure]
    runs: list[Run]
    adsorption: AdsorptionTable | None
    missing: list[Missing] = field(default_factory=list)
    differences: Table | None = None
    running: list[Run] = field(default_factory=list)
    """Runs that go on, with their frames so far: no numbers of theirs are results."""

    @property
    def finished_runs(self) -> list[Run]:
        """The runs that converged: of the others, only the failure is reported."""
        failed = {
            (job.id.structure, job.id.level)
            for job in self.jobs
            if job.id.stage == "md" and job.result.status != "converged"
        }
        return [run for run in self.runs if (run.name, run.level) not in failed]

    @property
    def told_runs(self) -> list[Run]:
        """The finished runs whose numbers are results: none that its verification refused."""
        return [run for run in self.finished_runs if refusal_of(run) is None]

    @property
    def computed(self) -> list[JobRecord]:
        """The jobs that had something to compute."""
        return [job for job in self.jobs if job.result.status != "not_due"]

    def title_of(self, level: str) -> str:
        """Return a level in a few words; its name if the configuration no longer has it."""
        known = self.config.levels.get(level)
        return level if known is None else known.title


def read_results(config: Config, records: Sequence[Path], structures: Sequence[Path]) -> Results:
    """Read all that a run of the workflow left.

    Parameters
    ----------
    config : Config
        The configuration of the run.
    records : sequence of Path
        ``result.json`` of each job, in ``jobs/<stage>/<name>/``.
    structures : sequence of Path
        The built and assembled structures, extended XYZ.

    Raises
    ------
    UserError
        All files that are missing, cut or hold something else.
    """
    results, problems = _read(Plan(config), records, structures)
    if problems:
        raise UserError(*problems)
    return results


def read_results_so_far(config: Config) -> Results:
    """Read whatever there is of the results, while the workflow runs or after a part of it failed.

    Nothing is raised for what is not there: `Results.missing` says what, and why as far as the job's folder tells.
    Frames of runs that go on are read by `iondrill.report.running`.
    """
    plan = Plan(config)
    jobs = [progress(plan.results, job.stage, job.name) for job in plan.executed()]
    ended = [plan.results / "jobs" / job.stage / job.name / "result.json" for job in jobs if job.state in ENDED]
    results, problems = _read(plan, ended, [plan.project.structure_file(name) for name in plan.structures()])
    missing = [Missing(f"{job.stage}/{job.name}", job.state, _why(job)) for job in jobs if job.state not in ENDED]
    missing += [Missing(problem.where, "missing", problem.found) for problem in problems]
    return replace(results, missing=missing)


def _why(job: Progress) -> str:
    """Say why a job has no result: by its last attempt, or else by its log."""
    if job.reason or not job.log:
        return job.reason
    text = Path(job.log).read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if not line.startswith(TOOK)]
    said = [line.removeprefix(MESSAGE_PREFIX) for line in lines if line.startswith(MESSAGE_PREFIX)]
    return "; ".join(said or lines[-1:])


def _read(plan: Plan, records: Sequence[Path], structures: Sequence[Path]) -> tuple[Results, list[Problem]]:
    """Read what can be read, and say what cannot."""
    config, problems = plan.config, list[Problem]()
    jobs, built, final, runs = list[JobRecord](), list[Structure](), list[Structure](), list[Run]()
    adsorption, differences, twins = None, None, set(plan.verify.twins())
    for record in records:
        with gathered(problems):
            job = JobRecord(JobId.parse(record.parent.parent.name, record.parent.name), read_result(record))
            jobs.append(job)
            if job.id not in twins:
                final += _final_geometry(job, record.parent)
    for path in structures:
        with gathered(problems):
            built.append(_built(path))
    for name in config.md.run:
        with gathered(problems):
            if not _is_left_out(plan, name):
                runs.append(_read_run(plan, name, problems))
    if config.adsorption.facets:
        with gathered(problems):
            adsorption = read_adsorption(plan.results / "adsorption.csv")
    if config.adsorption.facets and (len(config.adsorption.levels) > 1 or config.adsorption.recorded):
        with gathered(problems):
            differences = DIFFERENCES.read(plan.results / "adsorption_levels.csv")
    shown = sorted(built + final, key=lambda structure: structure.name)
    return Results(config, jobs, shown, runs, adsorption, differences=differences), problems


def refusal_of(run: Run) -> Verification | None:
    """Return the verification of a run if it refused the run: then no number of it is a result."""
    return run.verification if run.verification is not None and run.verification.refused else None


def marked(event: str, verification: Verification | None) -> str:
    """Return an event in words, and whether it is the model's."""
    words = in_words([event])
    return f"{words} ({MARK})" if verification is not None and event in verification.models else words


def told_order(run: Run) -> Table:
    """Return the order parameters of a run, those left empty that are no results."""
    if run.verification is None or not (untold := run.verification.untold):
        return run.order
    rows = [{name: "" if name in untold else cell for name, cell in row.items()} for row in run.order.rows]
    return replace(run.order, rows=rows)


@contextmanager
def gathered(problems: list[Problem]) -> Iterator[None]:
    """Keep the problems of a block, so that all are reported at once."""
    try:
        yield
    except UserError as error:
        problems += error.problems


def _built(path: Path) -> Structure:
    name, level = parse_structure_name(path.stem)
    atoms = read_structure(path)
    state = "assembled" if level else "as built"
    return Structure(name, state, level, atoms, load(Check, path.with_suffix(".json")), path)


def _final_geometry(job: JobRecord, folder: Path) -> list[Structure]:
    """Return the relaxed part or clean slab, or the last frame of a run; nothing from what did not converge."""
    files = {("relax", ""): "relaxed", ("adsorption", CLEAN): "relaxed", ("md", ""): "last"}
    file = None if job.id.spin or job.id.subject.ion else files.get((job.id.stage, job.id.subject.site))
    if file is None or job.result.status != "converged":
        return []
    path = folder / f"{file}.extxyz"
    atoms = read_structure(path)
    state = "relaxed" if file == "relaxed" else "last frame"
    return [Structure(job.id.structure, state, job.id.level, atoms, load(Check, path.with_suffix(".json")), path)]


def _is_left_out(plan: Plan, name: str) -> bool:
    """Say whether a run did not converge: its record says why, and its tables are empty."""
    order = plan.md.results_of(name) / "order_parameters.csv"
    record = plan.folder(plan.md.of_run(name)) / "result.json"
    nothing = order.is_file() and is_empty(order)
    return nothing and not (record.is_file() and read_result(record).status == "converged")


def _read_run(plan: Plan, name: str, problems: list[Problem]) -> Run:
    """Read a run; what is wrong with its maps alone does not keep it back."""
    settings, level = plan.config.md.runs[name], plan.md.of_run(name).level
    order = ORDER.read(plan.md.results_of(name) / "order_parameters.csv")
    before = ORDER.read(plan.md.results_of(name) / "thermalisation.csv")
    charges = CHARGES.read(plan.results / "charges" / f"{name}.csv")
    if not order.rows:
        raise UserError.of(order.path, "holds no frame", "needed: at least one")
    folder, maps, contacts = plan.results / "elf" / name, list[ElfFrame](), None
    verification = None
    if name in plan.verify.runs():
        with gathered(problems):
            verification = Verification.read(plan.md.results_of(name) / VERIFIED)
    events = list[EventFrame]()
    if plan.elf.events:
        with gathered(problems):
            events = read_events([folder / "events.csv"])
    for step in sorted([*plan.elf.steps(name), *own_steps(events)]):
        with gathered(problems):
            there = [one for one in events if one.step == step]
            image = next((one.frame for one in there), str(step))
            begun = tuple(marked(one.event, verification) for one in there)
            frame = ElfFrame(step, step * settings.timestep_fs, folder / f"{image}.png", begun)
            _check_png(frame.image)
            maps.append(frame)
    if plan.elf.frames(name):
        with gathered(problems):
            contacts = CONTACTS.read(folder / "summary.csv")
            contacts = replace(contacts, rows=[row for row in contacts.rows if row["step"]])
    read = (order, before, charges, contacts, maps, verification, events)
    return Run(name, settings, level, *read, folder=plan.md.results_of(name))


def _check_png(path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    if not (content.startswith(PNG) and b"IEND" in content[-12:]):
        raise UserError.of(path, "is no PNG image, or is cut")
