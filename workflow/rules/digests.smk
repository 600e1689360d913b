# A job runs again when the contents of its files have changed, by their digests. Snakemake itself compares dates where it
# can: it does not notice a script or an input that is replaced by one with an older date, and a new date alone counts.
import hashlib
from functools import cache, wraps

from snakemake import persistence
from snakemake.io import is_flagged
from snakemake.jobs import Job

PERSISTENCE = getattr(persistence, "PersistenceBase", None) or persistence.Persistence


def digest_scripts():
    """Give each rule the digest of its script as a parameter, and the revisions of engines.

    The script of relaxations is started by a shell. A job whose engine has the same revision as before finds its result.
    """
    raised = {engine: level.revision for engine, level in LEVELS.items() if level.revision > 1}
    revisions = {"engine_revisions": raised} if raised else {}
    scripts = INSTALL / "workflow/scripts"
    for each in workflow.rules:
        name = Path(each.script).name if each.script else "relax.py" if each.shellcmd == RELAX else ""
        if (scripts / name).is_file() and "script_digest" not in each.params.keys():
            each.set_params(script_digest=digest_of_files([scripts / name]), **revisions)


async def none_by_date(job):
    """Yield no output as older than its script: the digest decides."""
    return
    yield


def changed_input(input_changed):
    """Return the comparison of a job's inputs with those of its last run that also compares what they hold."""

    def changed(self, job, file=None):
        record = self.metadata(file)
        kept = (record and record.get("input_checksums")) or {}
        files = [path for path in job.input if path in kept and not is_flagged(path, "ancient")]
        return input_changed(self, job, file) or any(is_other(path, kept[path]) for path in files)

    return changed


def is_other(path, kept):
    """Say whether a file exists and has other contents than before; a missing file is made again anyway."""
    algorithm, _, digest = kept.rpartition(":")
    try:
        stat = Path(path).stat()
        return algorithm in {"", "sha256"} and sha256(str(path), stat.st_size, stat.st_mtime_ns) != digest
    except OSError:
        return False


@cache
def sha256(path, size, time_ns):
    """Return the digest of a file that has this size and time."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


digest_scripts()
if not hasattr(PERSISTENCE._input_changed, "__wrapped__"):
    Job.outputs_older_than_script_or_notebook = none_by_date
    PERSISTENCE._input_changed = wraps(PERSISTENCE._input_changed)(changed_input(PERSISTENCE._input_changed))
