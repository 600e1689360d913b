"""The profile cluster-generic as shipped, with a qsub that starts the job's script at once."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from projects import run, snakemake

from faultdrill.projects import PROJECTS

pytestmark = pytest.mark.workflow

QSUB = """\
#!/bin/sh
for last; do :; done
echo "$@" >> "$(dirname "$0")/asked"
PBS_JOBID=$$.head setsid sh "$last" > "$last.out" 2>&1 &
echo $$.head
"""
QSTAT = "#!/bin/sh\necho '    job_state = R'\n"


def test_the_profile_submits_and_sees_the_end(tmp_path: Path, root: Path) -> None:
    project = PROJECTS["short"].make(tmp_path / "project")
    for name, text in (("qsub", QSUB), ("qstat", QSTAT)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["adsorption"] |= {"sites": ["cave", "pedestal"], "fmax_eV_A": 1.0}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    names = ("atom.Li", "tiny-100.Li-cave", "tiny-100.Li-pedestal")
    records = [f"results/jobs/adsorption/{name}.gfn2/result.json" for name in names]
    profile = ["--workflow-profile", str(root / "workflow/profiles/cluster-generic")]
    options = ["--latency-wait", "10", "--seconds-between-status-checks", "2"]
    path = f"{tmp_path / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = run(snakemake(project, *records, *profile, *options), project, PATH=path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    for record in records:
        assert json.loads((project / record).read_text())["status"] == "converged"
    # the atom, the clean slab, and both sites together: as many cores, as much memory, no more time
    asked = (tmp_path / "bin/asked").read_text().splitlines()
    assert len(asked) == 3
    (slab,) = (re.findall(r"ncpus=(\d+):mpiprocs=1:mem=(\d+)mb", words) for words in asked if "relax_slab" in words)
    assert slab[0][0] == "1"
    assert sum(f"ncpus=2:mpiprocs=2:mem={2 * int(slab[0][1])}mb" in words for words in asked) == 1
    assert all("walltime=00:15:00" in words for words in asked)


ASKING = """
rule ask:
    output:
        "{where}",
    localrule: {local}
    shell:
        "printenv IONDRILL_SUBMITTED > {{output}} || true"
"""


def test_a_job_of_any_executor_knows_that_it_was_submitted(tmp_path: Path, root: Path) -> None:
    """No variable of a scheduler is set, as in HTCondor, Flux and Kubernetes: the command that submits is `sh`."""
    project = PROJECTS["short"].make(tmp_path / "project")
    rules = [
        ASKING.replace("ask", f"ask_{where}").format(where=where, local=where == "here") for where in ("here", "there")
    ]
    (project / "Snakefile").write_text("".join([f'include: "{root}/Snakefile"\n', *rules]))
    submit = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh", "--jobs", "1"]
    program = str(Path(sys.executable).with_name("snakemake"))
    without = dict.fromkeys(("SLURM_JOB_ID", "PBS_JOBID", "JOB_ID", "LSB_JOBID"), "")
    done = run([program, *submit, "--seconds-between-status-checks", "1", "here", "there"], project, **without)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert [(project / where).read_text() for where in ("here", "there")] == ["", "1\n"]


def test_profiles_for_clusters_have_the_same_in_common(root: Path) -> None:
    """What is not of an executor; a group that a profile does not name is one submission for each job."""
    paths = (root / "workflow/profiles").glob("*/profile.v9+.yaml")
    profiles = {path.parent.name: yaml.safe_load(path.read_text()) for path in paths}
    assert profiles.keys() == {"default", "slurm", "cluster-generic", "lsf", "sge", "htcondor"}
    del profiles["default"]
    slurm = profiles["slurm"]["group-components"]
    for name, profile in profiles.items():
        assert profile["executor"] == name
        own = {key for key in profile if key.startswith(f"{name}-")}
        if name == "cluster-generic":
            own |= {"max-status-checks-per-second", "seconds-between-status-checks"}
        assert {key: profile[key] for key in profile.keys() - own - {"executor", "default-resources"}} == {
            key: word for key, word in profiles["slurm"].items() if key not in {"executor", "default-resources"}
        }
        assert profile["default-resources"].items() >= {"mem_mb": 4000, "runtime": 60}.items() or isinstance(
            profile["default-resources"], list
        )
    rules = "".join(path.read_text() for path in (root / "workflow/rules").glob("*.smk"))
    named = set(re.findall(r"^    group:\n        (\w+)$", rules, re.MULTILINE))
    groups = set(re.findall(rf'^(?:{"|".join(named)}) = "(\w+)" if', rules, re.MULTILINE))
    assert len(groups) == len(named)
    assert {group.partition("=")[0] for group in slurm} == groups
