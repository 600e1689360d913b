"""The profile cluster-generic as shipped, with a qsub that starts the job's script at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    python = Path(sys.executable).parent
    record = "results/jobs/adsorption/atom.Li.gfn2/result.json"
    options = ["--workflow-profile", str(root / "workflow/profiles/cluster-generic"), "--latency-wait", "10"]
    done = subprocess.run(
        [
            str(python / "snakemake"),
            record,
            "-s",
            str(root / "Snakefile"),
            *options,
            "--seconds-between-status-checks=2",
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{python}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert json.loads((project / record).read_text())["status"] == "converged"
    assert "walltime=00:15:00" in (tmp_path / "bin/asked").read_text()
