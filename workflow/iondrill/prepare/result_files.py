"""Every file that results consist of besides jobs, each declared once.

Snakemake's targets, what the page is made from, its chapters, the crate and the list in the documentation follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.config.models import Config
    from iondrill.prepare.plan import Plan

Names = Mapping[str, Any]
"""What stands for the braces of a path: ``run``, ``frame``, ``structure``, ``study``."""
Rows = Mapping[str, set[str]]
"""What may stand in columns of a table."""


class Scope(NamedTuple):
    """What there is one file for, in words, and the names of each of a plan."""

    words: str
    names: Callable[[Plan], Iterator[Names]]


def _once(words: str, there: Callable[[Plan], object]) -> Scope:
    """Return the scope of a file that there is once, under a condition."""
    return Scope(words, lambda plan: iter([{}] if there(plan) else []))


def _structures(plan: Plan) -> Iterator[Names]:
    return ({"structure": name} for name in plan.structures())


def _runs(plan: Plan) -> Iterator[Names]:
    return ({"run": run} for run in plan.config.md.run)


def _starts(plan: Plan) -> Iterator[Names]:
    return ({"run": run, "structure": plan.md.start_structure(run)} for run in plan.config.md.run)


def _verified_runs(plan: Plan) -> Iterator[Names]:
    return ({"run": run} for run in plan.verify.runs())


def _twins(plan: Plan) -> Iterator[Names]:
    return ({"run": job.structure} for job in plan.verify.twins())


def _gated(plan: Plan) -> Iterator[Names]:
    return ({"level": level} for level in plan.verify.gated())


def _compared(plan: Plan) -> Iterator[Names]:
    return ({"run": run, "slot": slot, "cut": cut} for run in plan.verify.runs() for slot, cut in plan.verify.cuts())


def _mapped_runs(plan: Plan) -> Iterator[Names]:
    return ({"run": run} for run in plan.config.md.run if plan.elf.frames(run))


def _eventful(plan: Plan) -> Iterator[Names]:
    return ({"run": run} for run in plan.config.md.run if plan.elf.events)


def _maps(plan: Plan) -> Iterator[Names]:
    return ({"run": run, "frame": frame} for run in plan.config.md.run for frame in plan.elf.frames(run))


def _differences(plan: Plan) -> Iterator[Names]:
    return (names for names in _maps(plan) if plan.elf.parts(names["run"]))


def _grids(plan: Plan) -> Iterator[Names]:
    return ({"run": run, "frame": frame} for run in plan.config.md.run for frame in plan.elf.isosurfaces(run))


def _studies(plan: Plan) -> Iterator[Names]:
    return ({"study": name} for name in plan.config.convergence.studies)


ALWAYS = _once("always", lambda _: True)
STRUCTURES = Scope("each structure", _structures)
RUNS = Scope("each run", _runs)
STARTS = Scope("each run", _starts)
ANY_RUN = _once("runs", lambda plan: plan.config.md.run)
VERIFIED_RUNS = Scope("each run, with `md.verify`", _verified_runs)
TWINS = Scope("each run, with `md.verify.twin`", _twins)
GATED = Scope("each learned level of runs, with `md.verify`", _gated)
COMPARED = Scope("each frame that is compared, or piece of it", _compared)
MAPPED_RUNS = Scope("each run with maps", _mapped_runs)
EVENTFUL = Scope("each run, with `elf.events`", _eventful)
MAPS = Scope("each map", _maps)
DIFFERENCES = Scope("each map, with `elf.difference`", _differences)
GRIDS = Scope("the maps of `elf.isosurfaces`", _grids)
FACETS = _once("facets", lambda plan: plan.config.adsorption.facets)
FILLINGS = _once("ions on facets", lambda plan: plan.adsorption.fillings)
BARRIERS = _once("`barriers`", lambda plan: plan.config.barriers)
INTERCALATION = _once("`intercalation`", lambda plan: plan.config.intercalation)
INTERSTITIALS = _once("`interstitials`", lambda plan: plan.config.interstitials)
SHELLS = _once("`shells`", lambda plan: plan.config.shells)
INSERTION = _once("`insertion`", lambda plan: plan.config.insertion)
FREE_ENERGY = _once("`free_energy`", lambda plan: plan.config.free_energy)
STUDIES = Scope("each study", _studies)
COMPUTED = _once("runs or facets", lambda plan: plan.config.md.run or plan.config.adsorption.facets)


class Chapter(NamedTuple):
    """A section of the page that shows tables as they are: its id, title and first note.

    ``asked`` gives what a configuration asks for in columns of a table: a target of its own makes the table, and may
    have done so for another configuration before.
    """

    id: str
    title: str
    note: str
    asked: Callable[[Config, Names], Rows] = lambda _config, _names: {}


@dataclass(frozen=True)
class ResultFile:
    """A file of the results.

    Parameters
    ----------
    path : str
        In the folder of results; what stands in braces is a name of the scope.
    what : str
        What it holds, in words; names in braces as in the path.
    of : Scope
        What there is one for.
    target : str
        The target of Snakemake that makes it.
    page : bool
        Whether the page is made from it.
    crate : bool
        Whether the crate holds it.
    claims : bool
        Whether claims of the paper are judged by it: the crate holds it where it is there.
    frames : bool
        Whether it holds something of each frame of a run: a crate may be made without.
    table : str
        Of a table: the module in `iondrill.analyse` that declares its columns, and their name there; see
        `iondrill.analyse.forms`.
    chapter : Chapter, optional
        The section of the page that shows it.
    """

    path: str
    what: str
    of: Scope = ALWAYS
    target: str = "all"
    page: bool = False
    crate: bool = False
    claims: bool = False
    frames: bool = False
    table: str = ""
    chapter: Chapter | None = None

    def pieces(self, plan: Plan) -> Iterator[tuple[str, str]]:
        """Yield path and words of each such file of a plan."""
        return ((self.path.format(**names), self.what.format(**names)) for names in self.of.names(plan))

    def paths(self, plan: Plan) -> Iterator[Path]:
        """Yield the path of each such file of a plan."""
        return (plan.results / path for path, _ in self.pieces(plan))


def _asked_of_barriers(config: Config, _: Names) -> Rows:
    stage = config.barriers
    return {"facet": {*stage.facets}, "ion": {*stage.ions}, "level": {stage.level}} if stage else {}


def _asked_of_intercalation(config: Config, _: Names) -> Rows:
    stage = config.intercalation
    return {"compound": {*stage.crystals}, "level": {stage.level}} if stage else {}


def _asked_of_interstitials(config: Config, _: Names) -> Rows:
    stage = config.interstitials
    return {"ion": {*stage.ions}, "site": {*stage.sites}, "level": {stage.level}} if stage else {}


def _asked_of_shells(config: Config, _: Names) -> Rows:
    stage = config.shells
    return {"cluster": {*stage.clusters}, "level": {stage.level}} if stage else {}


def _asked_of_insertion(config: Config, _: Names) -> Rows:
    stage = config.insertion
    return {"ion": {*stage.ions}, "flake": {stage.flake}, "level": {stage.level}} if stage else {}


def _asked_of_free_energy(config: Config, _: Names) -> Rows:
    return {"profile": {*config.free_energy.profiles}} if config.free_energy else {}


def _asked_of_study(config: Config, names: Names) -> Rows:
    study = config.convergence.studies[names["study"]]
    return {"parameter": {*study.sweep.values}, "level": {study.level}}


CONTRASTS = Chapter(
    "contrasts",
    "Controls and contrasts",
    "The change of each quantity in each run: its mean over the second half of the frames minus its start.",
)
DIFFRACTION = Chapter(
    "diffraction",
    "Diffraction",
    "The table lists (00l) reflections simulated from the structures, next to those of the paper's diffractograms.",
)
VERIFICATION = Chapter(
    "verification",
    "Verification",
    "Frames of the runs themselves at a level that is trusted: the error of the forces that drove each run.",
)
HOPS = Chapter("barriers", "Diffusion barriers", "Ions on their way from site to site.", _asked_of_barriers)
COMPOUNDS = Chapter(
    "intercalation", "Intercalation", "Energies of ions between layers of graphite.", _asked_of_intercalation
)
INSIDE = Chapter(
    "interstitials",
    "Ions inside diamond",
    "Energies of ions on interstitial sites of bulk diamond, against the free atom.",
    _asked_of_interstitials,
)
ON_CLUSTERS = Chapter(
    "shells",
    "Ions on nanodiamonds",
    "Energies of shells of ions on whole nanodiamonds, by their number, and of mixing two kinds.",
    _asked_of_shells,
)
WAYS_IN = Chapter(
    "insertion",
    "Ions between layers",
    "The energy of an ion between two layers that are held apart, and what it costs to get there.",
    _asked_of_insertion,
)
PROFILES = Chapter(
    "free_energy",
    "Free energy",
    "What it costs to move along an order parameter, from restrained dynamics.",
    _asked_of_free_energy,
)
SETTINGS = Chapter(
    "convergence",
    "Convergence",
    "How far the numbers depend on the settings of the calculation.",
    _asked_of_study,
)

RESULT_FILES = (
    ResultFile("report.html", "the report, one page that works offline", crate=True),
    ResultFile("status.json", "how every job ended, and whether an adsorption energy came of them"),
    ResultFile(
        "claims.csv",
        "the paper's claims, and whether the results support them",
        COMPUTED,
        crate=True,
        table="claims.verdict.CLAIMS",
    ),
    ResultFile("claims.json", "the same as data", COMPUTED, page=True, crate=True),
    ResultFile("figures/summary.html", "what `snakemake --report` shows first"),
    ResultFile("figures/structures", "drawings of the structures (a folder)"),
    ResultFile("figures/elf", "curves of the ELF (a folder)"),
    ResultFile("structures/{structure}.extxyz", "structure {structure} as built or assembled", STRUCTURES, page=True),
    ResultFile("structures/{structure}.json", "the checks that structure {structure} passed", STRUCTURES),
    ResultFile(
        "adsorption.csv",
        "adsorption energies",
        FACETS,
        page=True,
        crate=True,
        claims=True,
        table="energies.adsorption_table.ADSORPTION",
    ),
    ResultFile("adsorption.json", "what became of each row of adsorption.csv, as data", FACETS),
    ResultFile(
        "adsorption_levels.csv",
        "adsorption energies and geometries, level against level",
        FACETS,
        claims=True,
        table="energies.level_differences.DIFFERENCES",
    ),
    ResultFile("figures/adsorption.svg", "adsorption energies", FILLINGS),
    ResultFile(
        "contrasts.csv",
        "runs side by side",
        ANY_RUN,
        crate=True,
        claims=True,
        table="dynamics.contrasts.CONTRASTS",
        chapter=CONTRASTS,
    ),
    ResultFile(
        "contrasts.json", "what the runs support, and by which criterion", ANY_RUN, page=True, crate=True, claims=True
    ),
    ResultFile("contrasts.md", "the same for readers", ANY_RUN, crate=True),
    ResultFile(
        "diffraction.csv",
        "(00l) reflections",
        ANY_RUN,
        page=True,
        crate=True,
        claims=True,
        table="dynamics.diffraction.DIFFRACTION",
        chapter=DIFFRACTION,
    ),
    ResultFile("figures/diffraction.svg", "(00l) reflections", ANY_RUN),
    ResultFile("md/{run}/trajectory.traj", "trajectory (ASE) of run {run}", RUNS, crate=True, frames=True),
    ResultFile(
        "md/{run}/order_parameters.csv",
        "order parameters of each frame of run {run}",
        RUNS,
        page=True,
        crate=True,
        frames=True,
        table="dynamics.order.ORDER",
    ),
    ResultFile(
        "md/{run}/thermalisation.csv",
        "order parameters of each frame of the thermalisation before run {run}",
        RUNS,
        crate=True,
        frames=True,
        table="dynamics.order.ORDER",
    ),
    ResultFile(
        "md/{run}/events.json",
        "events of run {run}: opened layers, new bonds, expelled ions",
        RUNS,
        crate=True,
    ),
    ResultFile(
        "md/{run}/verification.csv",
        "errors of the forces of run {run} against the reference, by part of the structure",
        VERIFIED_RUNS,
        page=True,
        crate=True,
        chapter=VERIFICATION,
        table="verification.errors.VERIFICATION",
    ),
    ResultFile(
        "md/{run}/verified_frames.csv",
        "the frames of run {run} that were compared with the reference",
        VERIFIED_RUNS,
        page=True,
        crate=True,
        table="verification.errors.FRAMES",
    ),
    ResultFile(
        "verify/{run}/twin/trajectory.traj",
        "trajectory (ASE) of run {run} at the second fit",
        TWINS,
    ),
    ResultFile(
        "verify/{run}/twin/order_parameters.csv",
        "order parameters of each frame of run {run} at the second fit",
        TWINS,
        crate=True,
        frames=True,
        table="dynamics.order.ORDER",
    ),
    ResultFile(
        "verify/{run}/twin/thermalisation.csv",
        "order parameters of each frame of the thermalisation of run {run} at the second fit",
        TWINS,
        table="dynamics.order.ORDER",
    ),
    ResultFile(
        "verify/{run}/twin/events.json",
        "events of run {run} at the second fit",
        TWINS,
        crate=True,
    ),
    ResultFile(
        "verify/{run}/twin/charges.csv",
        "charges of the fragments of run {run} at the second fit",
        TWINS,
        table="dynamics.charges.CHARGES",
    ),
    ResultFile("gates/{level}.json", "what level {level} says to questions whose answer is known", GATED, crate=True),
    ResultFile("verify/{run}/chosen.json", "which frames of run {run} are compared, and why", VERIFIED_RUNS),
    ResultFile("verify/{run}/{slot}.{cut}.extxyz", "frame {slot} of run {run} that is compared, {cut}", COMPARED),
    ResultFile(
        "md/{run}/verification.json",
        "whether run {run} is trusted, doubtful or refused, by which criteria, and why",
        VERIFIED_RUNS,
        page=True,
        crate=True,
        claims=True,
    ),
    ResultFile(
        "charges/{run}.csv",
        "charges of the fragments of run {run}",
        RUNS,
        page=True,
        crate=True,
        frames=True,
        table="dynamics.charges.CHARGES",
    ),
    ResultFile("structures/{structure}.extxyz", "start structure of run {run}", STARTS, crate=True),
    ResultFile("figures/{run}.svg", "order parameters and charges of run {run} over time", RUNS),
    ResultFile(
        "elf/{run}/events.csv",
        "which frames of run {run} are those of events",
        EVENTFUL,
        page=True,
        crate=True,
        table="elf.event_frames.EVENTS",
    ),
    ResultFile(
        "elf/{run}/summary.csv",
        "ELF at the contacts of run {run}",
        MAPPED_RUNS,
        page=True,
        crate=True,
        claims=True,
        table="elf.contacts.CONTACTS",
    ),
    ResultFile(
        "elf/{run}/profiles.csv", "ELF along the contacts of run {run}", MAPPED_RUNS, table="elf.lines.PROFILES"
    ),
    ResultFile(
        "elf/{run}/bonds.csv",
        "ELF of each bond of nanodiamond and flake of run {run}",
        MAPPED_RUNS,
        table="elf.lines.BONDS",
    ),
    ResultFile(
        "elf/{run}/charges.csv",
        "charges of the fragments in the mapped frames of run {run}, at the level of the ELF",
        MAPPED_RUNS,
        crate=True,
        claims=True,
        table="dynamics.charges.CHARGES",
    ),
    ResultFile("elf/{run}/film.gif", "the maps of run {run} as a film", MAPPED_RUNS, page=True),
    ResultFile("elf/{run}/{frame}.npz", "map of the ELF of run {run}, frame {frame}", MAPS),
    ResultFile("elf/{run}/{frame}.png", "the same as a picture, in the paper's colours", MAPS),
    ResultFile("elf/{run}/{frame}.cividis.png", "the same in colours for all readers", MAPS),
    ResultFile(
        "elf/{run}/{frame}.csv", "ELF at the contacts of run {run}, frame {frame}", MAPS, table="elf.contacts.CONTACTS"
    ),
    ResultFile(
        "elf/{run}/{frame}.profiles.csv",
        "ELF along the contacts of run {run}, frame {frame}",
        MAPS,
        table="elf.lines.PROFILES",
    ),
    ResultFile(
        "elf/{run}/{frame}.bonds.csv", "ELF of the bonds of run {run}, frame {frame}", MAPS, table="elf.lines.BONDS"
    ),
    ResultFile("elf/{run}/{frame}.difference.npz", "density difference of run {run}, frame {frame}", DIFFERENCES),
    ResultFile("elf/{run}/{frame}.difference.png", "the same as a picture", DIFFERENCES, page=True),
    ResultFile("elf/{run}/{frame}.grid.npz", "ELF in space of run {run}, frame {frame}", GRIDS, page=True),
    ResultFile(
        "intercalation.csv",
        "formation energies",
        INTERCALATION,
        target="intercalation",
        claims=True,
        table="energies.formation.INTERCALATION",
        chapter=COMPOUNDS,
    ),
    ResultFile(
        "barriers.csv",
        "diffusion barriers",
        BARRIERS,
        target="barriers",
        table="energies.barrier.BARRIERS",
        chapter=HOPS,
    ),
    ResultFile("figures/barriers.svg", "the energy along each path", BARRIERS, target="barriers"),
    ResultFile(
        "interstitials.csv",
        "energies of ions inside diamond",
        INTERSTITIALS,
        target="interstitials",
        claims=True,
        table="energies.interstitial.INTERSTITIALS",
        chapter=INSIDE,
    ),
    ResultFile(
        "shells.csv",
        "energies of ions on whole nanodiamonds",
        SHELLS,
        target="shells",
        claims=True,
        table="energies.shell.SHELLS",
        chapter=ON_CLUSTERS,
    ),
    ResultFile(
        "insertion.csv",
        "energies of ions between layers held apart",
        INSERTION,
        target="insertion",
        claims=True,
        table="energies.insertion.INSERTION",
        chapter=WAYS_IN,
    ),
    ResultFile(
        "free_energy.csv",
        "free energies along order parameters",
        FREE_ENERGY,
        target="free_energy",
        claims=True,
        table="energies.free_energy.FREE_ENERGY",
        chapter=PROFILES,
    ),
    ResultFile(
        "free_energy.json",
        "the highest point of each free energy, and whether it is converged",
        FREE_ENERGY,
        target="free_energy",
        claims=True,
    ),
    ResultFile("figures/free_energy.svg", "free energies along order parameters", FREE_ENERGY, target="free_energy"),
    ResultFile(
        "convergence/status.json", "whether the points at the reference settings converged", target="convergence"
    ),
    ResultFile(
        "convergence/{study}.csv",
        "convergence study {study}",
        STUDIES,
        target="convergence",
        table="energies.convergence_table.CONVERGENCE",
        chapter=SETTINGS,
    ),
    ResultFile("convergence/{study}.json", "what study {study} says", STUDIES, target="convergence"),
    ResultFile("convergence/{study}.svg", "errors and cost of study {study}", STUDIES, target="convergence"),
)


def result_paths(plan: Plan, which: Callable[[ResultFile], object]) -> list[Path]:
    """Return the paths of those files of a plan that are asked for, each once."""
    return list(dict.fromkeys(path for file in RESULT_FILES if which(file) for path in file.paths(plan)))
