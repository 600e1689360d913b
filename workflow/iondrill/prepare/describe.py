"""What a job of a plan computes: its task, level, kind, charge and spin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.build.recipes import AssemblyRecipe, multiplicity
from iondrill.files import templates_digest
from iondrill.prepare import intercalation
from iondrill.prepare.jobs import CLEAN, Job, Md, Neb, Relax, Static
from iondrill.prepare.subjects import FRAGMENTS, PARTS

if TYPE_CHECKING:
    from iondrill.prepare.convergence import Point
    from iondrill.prepare.plan import Plan
    from iondrill.prepare.subjects import JobId


def describe(plan: Plan, job_id: JobId, note: str) -> Job:
    """Return what a job computes.

    Parameters
    ----------
    plan : Plan
        That of a configuration.
    job_id : JobId
        Any that the plan returns.
    note : str
        Where the start geometry comes from.
    """
    stage, name = job_id
    if stage == "convergence":
        return _convergence_job(plan, plan.points[name], note)
    task: Relax | Static | Md | Neb
    if stage == "md":
        run = plan.config.md.runs[job_id.subject]
        fields = ("steps", "timestep_fs", "temperature_K", "thermostat", "launch_m_s", "save_every")
        seed = plan.config.seed if run.seed is None else run.seed
        task = Md(seed=seed, **{field: getattr(run, field) for field in fields})
    elif stage == "elf":
        whole = job_id.subject.rpartition(".")[2] not in PARTS
        engine = plan.config.levels[job_id.level].engine
        cubes = plan.config.elf.route == "cube" and engine == "cp2k" and whole
        task = Static(wavefunction=True, cubes=cubes)
    elif stage == "intercalation":
        task = Static()
    elif stage == "barriers" and plan.config.barriers is not None:
        path = plan.config.barriers
        task = Neb(images=path.images, fmax_eV_A=path.fmax_eV_A, max_steps=path.max_steps)
    elif job_id.subject.startswith("atom."):
        task = Static()
    else:
        settings = plan.config.relax if stage == "relax" else plan.config.adsorption
        task = Relax(fmax_eV_A=settings.fmax_eV_A, max_steps=settings.max_steps)
    slab = "atom" if job_id.subject.startswith("atom.") else "slab"
    kinds = {"adsorption": slab, "barriers": "slab", "intercalation": "crystal"}
    level = plan.config.levels[job_id.level]
    if stage == "intercalation":
        level = intercalation.sampled(level, job_id.subject.partition(".")[0], plan.config, plan.recipes)
    charge, spin = _charge_and_multiplicity(plan, job_id)
    return Job(
        stage=stage,
        name=name,
        level_name=job_id.level,
        level=level,
        task=task,
        kind=kinds.get(stage, "cluster"),
        note=note,
        charge=charge,
        multiplicity=spin,
        templates=templates_digest(level.engine),
    )


def _charge_and_multiplicity(plan: Plan, job_id: JobId) -> tuple[int, int | None]:
    """Return what the recipe of a job's structure says; atoms and slabs with an ion have their lowest spin."""
    if job_id.stage == "intercalation":
        return 0, None
    structure, (_, *rest) = plan.structure_of(job_id), job_id.subject.split(".")
    if structure is None:
        return 0, None
    recipe = plan.recipe(structure)
    if job_id.stage == "relax" and rest:
        return recipe.charge, int(rest[0].removeprefix("m"))
    if job_id.stage in {"adsorption", "barriers"} and rest != [CLEAN]:
        return recipe.charge, None
    if job_id.stage == "elf" and rest[-1] in FRAGMENTS and isinstance(recipe, AssemblyRecipe):
        part = getattr(recipe, FRAGMENTS[rest[-1]])
        recipe = plan.recipe(part)
    return recipe.charge, multiplicity(recipe)


def _convergence_job(plan: Plan, point: Point, note: str) -> Job:
    """Return what a single point of a convergence study computes."""
    _, dot, rest = point.subject.partition(".")
    recipe = None if point.recipe is None else plan.recipe(point.recipe)
    alone = recipe if not dot or rest == CLEAN else None  # with an ion, and of an atom, the lowest spin
    level = point.settings(plan.config.levels[point.level])
    return Job(
        stage="convergence",
        name=point.name,
        level_name=point.level,
        level=level,
        task=Static(),
        kind="atom" if recipe is None else "slab" if dot else "cluster",
        note=note,
        charge=0 if recipe is None else recipe.charge,
        multiplicity=None if alone is None else multiplicity(alone),
        templates=templates_digest(level.engine),
    )
