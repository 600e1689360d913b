"""The plan: which jobs the configuration calls for."""

import json
import re
import sys
from dataclasses import asdict
from os import environ, pathsep
from pathlib import Path

from snakemake.path_modifier import PathModifier
from snakemake_interface_executor_plugins.settings import DeploymentMethod

from iondrill.deferred import install

install()  # before the rest of the package: without it a dry run imports all that ASE takes from SciPy

from iondrill.geometry.crystal import crystal_path
from iondrill.geometry.recipes import is_shipped, spin_states
from iondrill.config.levels import LEVELS
from iondrill.config.load import merge
from iondrill.config.project import check_config, located, project_first, read_documents, readable
from iondrill.engines.requests import Requests
from iondrill.errors import MESSAGE_PREFIX, UserError
from iondrill.files import INSTALL, digest_of, templates_digest
from iondrill.potential.plan import PotentialPlan
from iondrill.prepare.estimates import error_estimates
from iondrill.prepare.plan import Plan
from iondrill.jobs.name import JobId, Subject
from iondrill.prepare.published import job_files, published
from iondrill.prepare.result_files import RESULT_FILES, result_paths


def in_its_place(config):
    """Return the configuration with its results where a module's `prefix:` or `replace_prefix:` puts them.

    What jobs are told is the same folder then. So Snakemake must not prefix any path of a rule again.
    """
    modifier = workflow.modifier.path_modifier
    marker = Path(modifier.replace_prefix(f"{config.results}/.accepted"))
    workflow.modifier.path_modifier = PathModifier(None, None, workflow)
    return config.model_copy(update={"results": marker.parent.as_posix()})


documents = []
try:
    if workflow.modifier.skip_configfile:
        # as a module the workflow gets its configuration from another one, which perhaps has it from these files
        documents = readable(*workflow.configfiles)
    else:
        # by the reader of `iondrill check`, in the order in which Snakemake merges them: its own reader takes 010 for 8
        files = list(workflow.overwrite_configfiles)
        if not (files and workflow.config_settings.replace_workflow_config):
            files = project_first(files)
        documents = read_documents(*files)
        workflow.configfiles[:] = files
        config.clear()
        config.update(merge(documents, workflow.config_settings.config))
    plan = Plan(in_its_place(check_config(documents, config)))
    # everything that the plan reads from recipes is read here, so that a mistake in one ends in one message; what only
    # `barriers` and `intercalation` need is read by records_of, so that a mistake there ends no other target
    EXECUTED, WRITTEN = plan.executed(), plan.written()
    PUBLISHED = [path.as_posix() for path in published(plan)]
    # what the page is made from
    SHOWN = [path.as_posix() for path in result_paths(plan, lambda file: file.page)]
except UserError as error:
    raise WorkflowError("\n".join(map(str, located(documents, error.problems)))) from None

# jobs of minutes on one core share submissions, where the profile says how many (group-components)
requested = Requests(plan)
SITES = "sites" if all(plan.config.levels[level].in_process for level in plan.config.adsorption.levels) else None
FRAMES = "frames" if plan.config.levels[plan.config.elf.level].in_process else None
# groups only of what is computed in the process: one name for both levels would join minutes and hours
VERIFIED = "verified" if plan.config.md.verify and plan.config.levels[plan.config.md.verify.level].in_process else None
# what D0 of one spin is in the engine's own ELF; engine xtb has none
SPIN_D0 = getattr(plan.config.levels[plan.config.elf.level], "elf_spin_D0", None)
MODULES, CONTAINER = plan.config.software.modules, plan.config.software.container
RESULTS = plan.results.as_posix()
RECIPES = plan.recipes
# relaxations are started by a shell: Snakemake's preamble of a script takes longer than all imports of a small one.
# The environment holds the paths of Python and the script: in the command they would make each job a changed one
DEPLOYED = set(workflow.deployment_settings.deployment_method)
environ["IONDRILL_PYTHON"] = (
    "python" if DEPLOYED & {DeploymentMethod.CONDA, DeploymentMethod.APPTAINER} else sys.executable
)
# on the node of any executor: jobs end before the time that they asked for is over (iondrill.scripting)
if workflow.remote_exec:
    environ["IONDRILL_SUBMITTED"] = "1"
# what an environment of conda takes the package from: when it is made, and in each job, wherever the install is by then
environ["IONDRILL_INSTALL"] = str(INSTALL)
if DeploymentMethod.CONDA in DEPLOYED:
    package = str(INSTALL / "workflow")
    others = [path for path in environ.get("PYTHONPATH", "").split(pathsep) if path not in {"", package}]
    environ["PYTHONPATH"] = pathsep.join([package, *others])
environ["IONDRILL_RELAX"] = workflow.source_path("../scripts/relax.py")
RELAX = (
    '"$IONDRILL_PYTHON" "$IONDRILL_RELAX" --log={log:q} --runtime={resources.runtime} --job={params.job:q}'
    " --structure={input.structure:q} --prerelaxed {input.prerelaxed:q} --slab {input.slab:q}"
    " --result={output.result:q} --relaxed={output.structure:q}"
)


if CONTAINER:

    container: CONTAINER


wildcard_constraints:
    name=r"[A-Za-z0-9][A-Za-z0-9+_-]*",
    facet=r"[A-Za-z0-9][A-Za-z0-9+_-]*",
    run=r"[A-Za-z0-9][A-Za-z0-9+_-]*",
    level=r"[A-Za-z0-9][A-Za-z0-9+_-]*",
    ion=r"[A-Z][a-z]?",
    ions=r"\d*[A-Z][a-z]?",
    site=r"[a-z0-9-]+",
    frame="|".join([r"\d+", *plan.elf.events]),


def results_of(jobs):
    """Return the records of jobs."""
    return [f"{RESULTS}/jobs/{job.stage}/{job.name}/result.json" for job in jobs]


def records_of(jobs):
    """Return an input function that gives the records of jobs; a mistake of the user ends Snakemake with its message."""
    return said_of(lambda: results_of(jobs()))


def files_of(jobs):
    """Return an input function that gives all files that jobs publish."""
    return said_of(lambda: [path.as_posix() for job in jobs() for path in job_files(plan, job)])


def made_by(target):
    """Return the result files of a target of its own."""
    return [path.as_posix() for path in result_paths(plan, lambda file: file.target == target)]


def said_of(find):
    """Return an input function of what gives files; a mistake of the user ends Snakemake with its message.

    To what an input function raises, Snakemake adds a traceback, unless it is no error but an exit.
    """

    def files(wildcards):
        try:
            return find()
        except UserError as error:
            raise SystemExit(
                "\n".join(f"{MESSAGE_PREFIX}{problem}" for problem in located(documents, error.problems))
            ) from None

    return files


def digest_of_files(files):
    """Return the digest of files: as a parameter it makes a job run again when one has changed, whatever its date.

    A function of the wildcards has to call it: what Snakemake derives from inputs it does not compare.
    """
    return digest_of(*map(Path, files))


def digests_of(find):
    """Return an input function's files as the digest of what they hold."""
    return lambda wildcards: digest_of_files(said_of(find)(wildcards))


def written_from(plan):
    """Return the recipes that written job folders are made from without a structure of their own."""
    crystals = plan.intercalation.files if plan.config.intercalation else []
    return [*plan.written_recipes(), *crystals]


def job_spec(stage, name, note=""):
    """Return a function of the wildcards that gives what the job computes."""

    def spec(wildcards):
        return plan.job(JobId.parse(stage, name.format(**wildcards)), note.format(**wildcards)).model_dump(mode="json")

    return spec


def job_text(stage, name, note=""):
    """Return the same as text, for a command line."""
    return lambda wildcards: json.dumps(job_spec(stage, name, note)(wildcards))


def requests(stage, name):
    """Return what a job asks of a scheduler, each as a function of the wildcards and the attempt."""

    def asked(wildcards, attempt):
        return requested.of(JobId.parse(stage, name.format(**wildcards)), attempt)

    return cores(stage, name) | {
        "mem_mb": lambda wildcards, attempt: asked(wildcards, attempt).mem_mb,
        "runtime": lambda wildcards, attempt: asked(wildcards, attempt).runtime,
        # HTCondor's own word for it; for others none
        "htcondor_request_mem_mb": lambda wildcards, attempt: (
            asked(wildcards, attempt).mem_mb if executor() == "htcondor" else 0
        ),
    }


def executor():
    """Return the name of the executor that jobs are given to; "" before there is one."""
    return workflow.executor_plugin.name if workflow.executor_plugin else ""


def most_memory(jobs):
    """Return a function of the attempt that gives the memory of the largest of jobs that run one after the other."""
    return lambda wildcards, attempt: max(requested.of(job, attempt).mem_mb for job in jobs)


def recipe_files_of_structure(wildcards):
    """Return the files of the recipe that a structure is built from; a mistake ends Snakemake with its message."""
    return said_of(lambda: plan.project.recipe_files(wildcards.name))(wildcards)


def relaxed_parts(file):
    """Return a function of the wildcards that gives a file of the relaxation of each part of an assembly."""

    def files(wildcards):
        parts = said_of(lambda: plan.project.parts_of(wildcards.name))(wildcards)
        return [f"{RESULTS}/jobs/relax/{part}.{wildcards.level}/{file}" for part in parts]

    return files


def own(find):
    """Return an input function of those recipes that are the project's.

    An install may move: of the recipes that it ships, a job knows the digest alone, see `digest_of_files`.
    """
    return lambda wildcards: [path for path in find(wildcards) if not is_shipped(Path(path))]


def recipe_files_of(job):
    """Return the files of the recipe that a job is built from; none for an atom."""
    return plan.project.recipe_files(job.subject.recipe) if job.subject.recipe else []


def cores(stage, name):
    """Return the cores that a job asks of a scheduler: one for each MPI rank."""
    ranks = ranks_of(stage, name)
    return {
        # without MPI none, which means one: tasks and cores of grouped jobs are added, and then multiplied
        "tasks": lambda wildcards: ranks(wildcards) if ranks(wildcards) > 1 else 0,
        # the executor for LSF knows no tasks: all ranks are cores of one host
        "cpus_per_task": lambda wildcards: ranks(wildcards) if executor() == "lsf" else 1,
        "mpi": lambda wildcards: "mpi" if ranks(wildcards) > 1 and executor() != "lsf" else "",
    }


def ranks_of(stage, name):
    """Return a function of the wildcards that gives the cores a job occupies where it runs."""
    return lambda wildcards: plan.ranks(JobId.parse(stage, name.format(**wildcards)))


def prerelaxation_of(stage, name):
    """Return a function of the wildcards that gives record and geometry of a relaxation's pre-relaxation, if any."""

    def files(wildcards):
        job = plan.prerelaxation(JobId.parse(stage, name.format(**wildcards)))
        return (
            [] if job is None else [(plan.folder(job) / file).as_posix() for file in ("result.json", "relaxed.extxyz")]
        )

    return files


def guess_of(name):
    """Return a function of the wildcards that gives the record of the job whose wavefunction a point starts from."""

    def files(wildcards):
        return [
            ancient(path)
            for path in results_of(filter(None, [plan.elf.guess_of(JobId.parse("elf", name.format(**wildcards)))]))
        ]

    return files


def point_and_parts(file):
    """Return a function of the wildcards that gives a file of a frame's single point, and of those of its parts."""

    def files(wildcards):
        point, level = f"{RESULTS}/jobs/elf/{wildcards.run}.{wildcards.frame}", plan.config.elf.level
        return [
            f"{point}.{level}/{file}",
            *(f"{point}.{part}.{level}/{file}" for part in plan.elf.parts(wildcards.run)),
        ]

    return files


def frames_of(ending):
    """Return a function of the wildcards that gives a file of each frame of a run that is to be mapped."""

    def files(wildcards):
        return [f"{RESULTS}/elf/{wildcards.run}/{frame}{ending}" for frame in plan.elf.frames(wildcards.run)]

    return files


def points_of(file):
    """Return a function of the wildcards that gives a file of the single point on each such frame."""

    def files(wildcards):
        jobs = [plan.elf.of_frame(wildcards.run, frame) for frame in plan.elf.frames(wildcards.run)]
        return [(plan.folder(job) / file).as_posix() for job in jobs]

    return files


def events_of(wildcards):
    """Return the file that says which frames the events of a run are in; nothing where no event is asked for."""
    return [f"{RESULTS}/elf/{wildcards.run}/events.csv"] if plan.elf.events else []


def event_of(wildcards):
    """Return the same for a frame that is chosen by an event; nothing for one that is chosen by its step."""
    return events_of(wildcards) if wildcards.frame in plan.elf.events else []


def cubes_of(level, *, output=False):
    """Return the folder of a single point's cubes, by its name; nothing where maps are made from the orbitals."""
    if plan.config.elf.route != "cube":
        return {}
    folder = f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{level}/cubes"
    if output:
        folder = directory(folder) if plan.config.elf.keep_cubes else temp(directory(folder))
    return {"cubes": folder}


def look_when_jobs_end():
    """Take away Snakemake's default limit of 100 jobs per second; one that is asked for stays.

    With a limit, Snakemake 9 looks at all waiting jobs again a second after each look, and at the end of each job: the
    more jobs have ended, the more looks there are in each second, until it does nothing else.
    """
    limit = getattr(workflow.scheduler, "job_rate_limiter", None)
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def report_what_there_is():
    """Make the page of a run that failed before it, failures first; what goes wrong here hides no other error."""
    from iondrill.report.partial import report_so_far

    if not any(job.rule.name == "write_report" for job in workflow.dag.needrun_jobs()):
        return
    try:
        page, _ = report_so_far(plan.config)
        print(f"iondrill: {page} shows what failed, and what there is", file=sys.stderr)
    except Exception as error:
        print(f"iondrill: there is no page of what failed: {error}", file=sys.stderr)


def ends_of(file):
    """Return a function of the wildcards that gives a file of the slab with the ion relaxed at each end of a path."""
    return lambda wildcards: [
        f"{RESULTS}/jobs/adsorption/{wildcards.facet}.{wildcards.ion}-{site}.{wildcards.level}/{file}"
        for site in (wildcards.start, wildcards.end)
    ]


def judged_by(wildcards):
    """Return the tables that claims are judged by: of a target of its own where it is asked for beside, or is there."""
    asked = {"all", *workflow.dag_settings.targets}
    return [
        path.as_posix()
        for file in RESULT_FILES
        if file.claims
        for path in said_of(lambda: list(file.paths(plan)))(wildcards)
        if file.target in asked or path.is_file()
    ]


def run_of_profile(wildcards):
    """Return the settings of the run that a profile is of."""
    return plan.config.md.runs[plan.free_energy.profiles[wildcards.profile].run]


def structure_of_profile(wildcards):
    """Return the start structure of the run that a profile is of."""
    run = plan.free_energy.profiles[wildcards.profile].run
    return f"{RESULTS}/structures/{plan.md.start_structure(run)}.extxyz"
