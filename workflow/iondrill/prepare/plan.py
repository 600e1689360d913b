"""Which jobs a configuration calls for. A pure function of configuration and recipes: nothing is run."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iondrill.build.recipes import AssemblyRecipe, load_recipe, multiplicity, recipe_path, spin_states
from iondrill.errors import Problem, UserError, nearest
from iondrill.prepare import intercalation
from iondrill.prepare.convergence import Point, Row, Sweeps
from iondrill.prepare.hops import Hop, hops
from iondrill.prepare.jobs import CLEAN, Job, Md, Neb, Relax, Static
from iondrill.prepare.sitelist import has_room, site_spacings

if TYPE_CHECKING:
    from iondrill.build.recipes import AnyRecipe
    from iondrill.config.base import Ion
    from iondrill.config.models import Config
    from iondrill.prepare.jobs import Stage

FRAGMENTS = {"nd": "cluster", "rest": "flake"}
"""The parts of a frame, by the key of the assembly that names their recipe."""
PARTS = tuple(FRAGMENTS)
FEWER = "allowed: fewer ions, or a larger cell in the facet's recipe"


class JobId(NamedTuple):
    """A job folder: ``jobs/<stage>/<name>``, where the name's last part is the level."""

    stage: Stage
    name: str

    @property
    def level(self) -> str:
        """Name of the level of theory."""
        return self.name.rpartition(".")[2]

    @property
    def subject(self) -> str:
        """The name without the level."""
        return self.name.rpartition(".")[0]


class Filling(NamedTuple):
    """Ions on a site of a facet."""

    facet: str
    ion: Ion
    n: int
    site: str

    @property
    def subject(self) -> str:
        """Name of the job without its level: ``C100-2x1.Li-cave``, ``C100-2x1.2Li-cave``."""
        return f"{self.facet}.{self.n if self.n > 1 else ''}{self.ion}-{self.site}"


class Plan:
    """The jobs of a configuration, and what each is made from.

    Parameters
    ----------
    config : Config
        A valid configuration.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.recipes = Path(config.structures)
        self.results = Path(config.results)
        self._recipes: dict[str, AnyRecipe] = {}

    def recipe(self, name: str) -> AnyRecipe:
        """Return a recipe, read only once."""
        if name not in self._recipes:
            self._recipes[name] = load_recipe(name, self.recipes)
        return self._recipes[name]

    # --- names -------------------------------------------------------------------------------------------------

    def assembly(self, run: str) -> str:
        """Return the assembly of a run."""
        return self.config.md.runs[run].assembly

    def run_level(self, run: str) -> str:
        """Return the level of a run."""
        return self.config.md.runs[run].level or self.config.md.level

    def start_of(self, run: str) -> str:
        """Return the name of a run's start structure: ``<assembly>.<level>`` if its parts are relaxed first."""
        name = self.assembly(run)
        return f"{name}.{self.config.relax.level}" if self.config.md.runs[run].relax_parts else name

    def parts_of(self, assembly: str) -> list[str]:
        """Return the recipes an assembly is made of."""
        recipe = self.recipe(assembly)
        if not isinstance(recipe, AssemblyRecipe):
            raise UserError.of(recipe_path(assembly, self.recipes), "is not an assembly", "allowed: kind: assembly")
        return [name for name in (recipe.cluster, recipe.flake) if name is not None]

    def recipe_files(self, name: str) -> list[str]:
        """Return the files a structure is built from: its recipe, and those of its parts."""
        recipe = self.recipe(name)
        names = [name, *(self.parts_of(name) if isinstance(recipe, AssemblyRecipe) else [])]
        return [str(recipe_path(each, self.recipes)) for each in names]

    @cached_property
    def relaxed(self) -> list[str]:
        """Structures to relax: those asked for, and the parts of the runs' assemblies."""
        return self._with_parts(self.config.md.run)

    def _with_parts(self, runs: list[str]) -> list[str]:
        """Return the structures that are to be relaxed, the parts of these runs' assemblies among them."""
        chosen = (run for run in runs if self.config.md.runs[run].relax_parts)
        needed = [part for run in chosen for part in self.parts_of(self.assembly(run))]
        return list(dict.fromkeys([*self.config.relax.structures, *needed]))

    def elf_steps(self, run: str) -> list[int]:
        """Return the steps of a run at which the ELF is mapped: evenly spaced saved frames, ends included."""
        settings, frames = self.config.md.runs[run], self.config.elf.frames
        saved = settings.steps // settings.save_every
        if frames <= 1:
            return [saved * settings.save_every][:frames]
        return sorted({round(i * saved / (frames - 1)) * settings.save_every for i in range(frames)})

    def isosurface_steps(self, run: str) -> list[int]:
        """Return the steps of a run whose ELF is evaluated in space, for isosurfaces."""
        steps = self.elf_steps(run)
        return {"none": [], "last": steps[-1:], "all": steps}[self.config.elf.isosurfaces]

    def elf_parts(self, run: str) -> tuple[str, ...]:
        """Return the parts of a run's frames that are computed alone for the density difference, if it is asked for.

        Raises
        ------
        UserError
            If the run has no nanodiamond.
        """
        if not (self.config.elf.difference and self.elf_steps(run)):
            return ()
        recipe = self.recipe(self.assembly(run))
        if isinstance(recipe, AssemblyRecipe) and recipe.cluster is None:
            found = f"run '{run}' (assembly {self.assembly(run)}) has no nanodiamond whose density could be taken off"
            raise UserError.of("elf.difference", found, "allowed: false, or md.run without such runs")
        whole = sum(self.recipe(name).charge for name in self.parts_of(self.assembly(run)))
        if recipe.charge != whole:
            found = f"run '{run}' (assembly {self.assembly(run)}) has the charge {recipe.charge}, its parts {whole}"
            raise UserError.of("elf.difference", found, "allowed: false, or charges that add up")
        return PARTS

    def fillings(self) -> list[Filling]:
        """Return which ions are put where: facet by facet, ion by ion, coverage by coverage, site by site.

        Raises
        ------
        UserError
            If the configuration names a site that a facet does not have, or that has no room for the ions; or if no
            site has.
        """
        stage = self.config.adsorption
        fillings, problems = list[Filling](), list[Problem]()
        for facet, ion, n in product(stage.facets, stage.ions, stage.n):
            try:
                fillings += [Filling(facet, ion, n, site) for site in self._sites(facet, ion, n)]
            except UserError as error:
                problems += error.problems
        if problems:
            raise UserError(*dict.fromkeys(problems))
        return fillings

    def _sites(self, facet: str, ion: Ion, n: int) -> list[str]:
        """Return the labels of the sites to fill with ions."""
        wanted = self.config.adsorption.sites
        spacings_A = site_spacings(facet, self.recipes, self.results / ".cache")
        roomy = [site for site in spacings_A if has_room(spacings_A[site], ion, n)]
        problems = [
            Problem("adsorption.sites", f"facet {facet} has no site '{site}'", nearest(site, spacings_A))
            if site not in spacings_A
            else Problem("adsorption.n", f"site '{site}' of facet {facet} has no room for {n} {ion}", FEWER)
            for site in ([] if wanted == "all" else wanted)
            if site not in roomy
        ]
        if not roomy and not problems:
            problems.append(Problem("adsorption.n", f"no site of facet {facet} has room for {n} {ion}", FEWER))
        if problems:
            raise UserError(*problems)
        return roomy if wanted == "all" else list(wanted)

    # --- jobs --------------------------------------------------------------------------------------------------

    def relax_jobs(self) -> list[JobId]:
        """Return the relaxations that are run, and after those of several multiplicities what is kept of them."""
        names = [JobId("relax", f"{name}.{self.config.relax.level}") for name in self.relaxed]
        return [job for name in names for job in [*self.spin_jobs(name), name]]

    def spin_jobs(self, job_id: JobId) -> list[JobId]:
        """Return the relaxations, one for each multiplicity, of which a job keeps the lowest; nothing if it is run."""
        if job_id.stage != "relax" or "." in job_id.subject:
            return []
        states = spin_states(self.recipe(job_id.subject))
        return [JobId("relax", f"{job_id.subject}.m{state}.{job_id.level}") for state in states]

    def spin_job_of_part(self, run: str, part: str) -> JobId | None:
        """Return the relaxation that decided the multiplicity of a part of a run, if there was one."""
        recipe = self.recipe(self.assembly(run))
        name = getattr(recipe, FRAGMENTS[part], None)
        if name is None or not self.config.md.runs[run].relax_parts:
            return None
        kept = JobId("relax", f"{name}.{self.config.relax.level}")
        return kept if self.spin_jobs(kept) else None

    def md_jobs(self) -> list[JobId]:
        """Return the dynamics that are run."""
        return [JobId("md", f"{run}.{self.run_level(run)}") for run in self.config.md.run]

    def elf_jobs(self) -> list[JobId]:
        """Return the single points on frames, and on their parts."""
        level = self.config.elf.level
        frames = [(run, f"{run}.{step}") for run in self.config.md.run for step in self.elf_steps(run)]
        jobs = [JobId("elf", f"{frame}.{level}") for _, frame in frames]
        return jobs + [JobId("elf", f"{frame}.{part}.{level}") for run, frame in frames for part in self.elf_parts(run)]

    def guess_of(self, job_id: JobId) -> JobId | None:
        """Return the single point, of the frame before, from whose wavefunction another one's SCF starts, if any."""
        run, step, *part = job_id.subject.split(".")
        before = [earlier for earlier in self.elf_steps(run) if earlier < int(step)]
        if not (self.config.elf.reuse_wavefunction and before and self.config.levels[job_id.level].engine == "cp2k"):
            return None
        return JobId("elf", ".".join([run, str(before[-1]), *part, job_id.level]))

    def adsorption_jobs(self, level: str | None = None) -> list[JobId]:
        """Return clean slabs, atoms and slabs with an ion at a level, by default at all of the stage; each once."""
        stage = self.config.adsorption
        if not stage.facets:
            return []
        subjects = [f"{facet}.{CLEAN}" for facet in stage.facets]
        subjects += [f"atom.{ion}" for ion in stage.ions]
        subjects += [filling.subject for filling in self.fillings()]
        levels = stage.levels if level is None else [level]
        return [JobId("adsorption", f"{subject}.{name}") for name in levels for subject in subjects]

    def hops(self) -> list[Hop]:
        """Return the ways of ions whose barriers are asked for.

        Raises
        ------
        UserError
            If nothing is asked for, or a facet does not have a site.
        """
        stage = self.config.barriers
        if stage is None:
            raise UserError.of("barriers", "the configuration has no such section", "needed: level and facets")
        return hops(stage, self.recipes)

    def intercalation_jobs(self) -> list[JobId]:
        """Return the points of the crystals' equations of state, and the atoms of their metals."""
        level = intercalation.stage_of(self.config).level
        points = [JobId("intercalation", f"{name}.{level}") for name in intercalation.points(self.config, self.recipes)]
        atoms = dict.fromkeys(intercalation.metals(self.config, self.recipes).values())
        return points + [JobId("adsorption", f"atom.{ion}.{level}") for ion in atoms]

    def barrier_jobs(self) -> list[JobId]:
        """Return the paths that ``snakemake barriers`` finds."""
        level = "" if self.config.barriers is None else self.config.barriers.level
        return [JobId("barriers", f"{hop.subject}.{level}") for hop in self.hops()]

    @cached_property
    def studies(self) -> dict[str, list[Row]]:
        """The rows of each convergence study.

        Raises
        ------
        UserError
            If a study sweeps a setting that means nothing for its structure or level.
        """
        names = self.config.convergence.studies
        return {name: list(Sweeps(name, self.config, self.recipes).rows()) for name in names}

    @cached_property
    def points(self) -> dict[str, Point]:
        """The single points of all convergence studies by the name of their job, each once."""
        return {point.name: point for rows in self.studies.values() for row in rows for point in row.points}

    def convergence_jobs(self, study: str | None = None) -> list[JobId]:
        """Return the single points of a convergence study, or of all."""
        rows = self.studies[study] if study else [row for each in self.studies.values() for row in each]
        return list(dict.fromkeys(JobId("convergence", point.name) for row in rows for point in row.points))

    def own_points(self) -> list[JobId]:
        """Return the single points of convergence studies at which nothing is varied."""
        return [JobId("convergence", name) for name, point in self.points.items() if not point.parameter]

    def prerelaxation(self, job_id: JobId) -> JobId | None:
        """Return the job, the same one at another level, whose relaxed geometry a relaxation starts from, if any."""
        if job_id.stage not in {"relax", "adsorption"} or job_id.subject.startswith("atom.") or self.spin_jobs(job_id):
            return None
        level = (self.config.relax if job_id.stage == "relax" else self.config.adsorption).prerelax
        if level in {None, job_id.level} or self.config.levels[job_id.level].engine == "xtb":
            return None
        return JobId(job_id.stage, f"{job_id.subject}.{level}")

    def wanted(self) -> list[JobId]:
        """Return every job that the configuration asks for by itself."""
        return [*self.relax_jobs(), *self.md_jobs(), *self.elf_jobs(), *self.adsorption_jobs()]

    def executed(self) -> list[JobId]:
        """Return every job that the default target runs: those wanted, and the pre-relaxations that they start from."""
        wanted = self.wanted()
        return list(dict.fromkeys([*wanted, *filter(None, map(self.prerelaxation, wanted))]))

    def written(self) -> list[JobId]:
        """Return every job whose folder ``snakemake inputs`` writes: those listed, and those run by a file engine."""
        wanted = self.config.inputs
        needed = [*(job for job in self.executed() if job.stage != "elf"), *self.convergence_jobs()]
        jobs = [job for job in needed if self.config.levels[job.level].engine != "xtb"]
        parts = self._with_parts(wanted.runs)
        jobs += [JobId("relax", f"{name}.{level}") for level in wanted.relax for name in parts]
        jobs = [each for job in jobs for each in self.spin_jobs(job) or [job]]
        jobs += [JobId("md", f"{run}.{level}") for level in wanted.md for run in wanted.runs]
        jobs += [JobId("elf", f"{run}.0.{level}") for level in wanted.elf for run in wanted.runs]
        jobs += [job for level in wanted.adsorption for job in self.adsorption_jobs(level)]
        return list(dict.fromkeys(jobs))

    def structure_of(self, job_id: JobId) -> str | None:
        """Return the structure, as built, that a job starts from; None for an atom, and for what is built anew."""
        if job_id.stage == "convergence":
            return None
        if job_id.stage in {"md", "elf"}:
            return self.assembly(job_id.subject.partition(".")[0])
        first = job_id.subject.partition(".")[0]
        return None if first == "atom" and job_id.stage == "adsorption" else first

    def folder(self, job_id: JobId) -> Path:
        """Return the folder of a job."""
        return self.results / "jobs" / job_id.stage / job_id.name

    def structure_file(self, name: str) -> Path:
        """Return the file of a built structure."""
        return self.results / "structures" / f"{name}.extxyz"

    def structures(self) -> list[str]:
        """Return the structures that the jobs of the default target start from, each once."""
        starts = map(self.start_of, self.config.md.run)
        return list(dict.fromkeys([*self.relaxed, *starts, *self.config.adsorption.facets]))

    def written_structures(self) -> list[str]:
        """Return the structures that the written job folders need."""
        return sorted({name for job in self.written() if (name := self.structure_of(job)) is not None})

    def job(self, job_id: JobId, note: str = "") -> Job:
        """Return what a job computes.

        Parameters
        ----------
        job_id : JobId
            Any that this plan returns.
        note : str
            Where the start geometry comes from.
        """
        stage, name = job_id
        if stage == "convergence":
            return self._convergence_job(self.points[name], note)
        task: Relax | Static | Md | Neb
        if stage == "md":
            run = self.config.md.runs[job_id.subject]
            fields = ("steps", "timestep_fs", "temperature_K", "thermostat", "launch_m_s", "save_every")
            seed = self.config.seed if run.seed is None else run.seed
            task = Md(seed=seed, **{field: getattr(run, field) for field in fields})
        elif stage == "elf":
            whole = job_id.subject.rpartition(".")[2] not in PARTS
            engine = self.config.levels[job_id.level].engine
            cubes = self.config.elf.route == "cube" and engine == "cp2k" and whole
            task = Static(wavefunction=True, cubes=cubes)
        elif stage == "intercalation":
            task = Static()
        elif stage == "barriers" and self.config.barriers is not None:
            path = self.config.barriers
            task = Neb(images=path.images, fmax_eV_A=path.fmax_eV_A, max_steps=path.max_steps)
        elif job_id.subject.startswith("atom."):
            task = Static()
        else:
            settings = self.config.relax if stage == "relax" else self.config.adsorption
            task = Relax(fmax_eV_A=settings.fmax_eV_A, max_steps=settings.max_steps)
        slab = "atom" if job_id.subject.startswith("atom.") else "slab"
        kinds = {"adsorption": slab, "barriers": "slab", "intercalation": "crystal"}
        level = self.config.levels[job_id.level]
        if stage == "intercalation":
            level = intercalation.sampled(level, job_id.subject.partition(".")[0], self.config, self.recipes)
        charge, spin = self._charge_and_multiplicity(job_id)
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
        )

    def _charge_and_multiplicity(self, job_id: JobId) -> tuple[int, int | None]:
        """Return what the recipe of a job's structure says; atoms and slabs with an ion have their lowest spin."""
        if job_id.stage == "intercalation":
            return 0, None
        structure, (_, *rest) = self.structure_of(job_id), job_id.subject.split(".")
        if structure is None:
            return 0, None
        recipe = self.recipe(structure)
        if job_id.stage == "relax" and rest:
            return recipe.charge, int(rest[0].removeprefix("m"))
        if job_id.stage in {"adsorption", "barriers"} and rest != [CLEAN]:
            return recipe.charge, None
        if job_id.stage == "elf" and rest[-1] in FRAGMENTS and isinstance(recipe, AssemblyRecipe):
            part = getattr(recipe, FRAGMENTS[rest[-1]])
            recipe = self.recipe(part)
        return recipe.charge, multiplicity(recipe)

    def charge_of(self, run: str) -> int:
        """Return the total charge of a run."""
        return self.recipe(self.assembly(run)).charge

    def _convergence_job(self, point: Point, note: str) -> Job:
        """Return what a single point of a convergence study computes."""
        _, dot, rest = point.subject.partition(".")
        recipe = None if point.recipe is None else self.recipe(point.recipe)
        alone = recipe if not dot or rest == CLEAN else None  # with an ion, and of an atom, the lowest spin
        return Job(
            stage="convergence",
            name=point.name,
            level_name=point.level,
            level=point.settings(self.config.levels[point.level]),
            task=Static(),
            kind="atom" if recipe is None else "slab" if dot else "cluster",
            note=note,
            charge=0 if recipe is None else recipe.charge,
            multiplicity=None if alone is None else multiplicity(alone),
        )
