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


def test_profiles_for_clusters_group_the_same_jobs(root: Path) -> None:
    """Those that the rules put into groups: a group that a profile does not name is one submission for each job."""
    slurm, generic = (
        yaml.safe_load((root / f"workflow/profiles/{name}/profile.v9+.yaml").read_text())["group-components"]
        for name in ("slurm", "cluster-generic")
    )
    assert generic == slurm
    rules = "".join(path.read_text() for path in (root / "workflow/rules").glob("*.smk"))
    named = set(re.findall(r"^    group:\n        (\w+)$", rules, re.MULTILINE))
    groups = set(re.findall(rf'^(?:{"|".join(named)}) = "(\w+)" if', rules, re.MULTILINE))
    assert len(groups) == len(named)
    assert {group.partition("=")[0] for group in slurm} == groups
