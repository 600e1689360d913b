"""``python -m faultdrill.by_slurm``: the default run once more, through a real Slurm, to the results of `make run`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from faultdrill.compare import differences
from faultdrill.runs import ROOT, SNAKEMAKE, SUBMITTED
from faultdrill.slurm import Slurm

LOCAL_RESULTS = ROOT / "results"
CONFIG = ["--configfile", str(ROOT / "config.yaml"), "--quiet", "rules"]
# ten jobs side by side would need ten cores of the one node; so are two
GROUPS = ["--group-components", "sites=2", "frames=2"]
# as many as there are slots: what is in the queue of Slurm goes in its order, not by what the rules put first
SLOTS = ["--jobs", "4"]


def main() -> int:
    """Run the default configuration through Slurm; return 1 if a result is not that of the local run."""
    if not (LOCAL_RESULTS / "report.html").exists():
        print("iondrill: results/report.html is not there: `make run` first, to have what to compare with")
        return 1
    with tempfile.TemporaryDirectory(prefix="iondrill-slurm-") as scratch, Slurm(Path(scratch) / "slurm") as slurm:
        project = Path(scratch) / "project"
        project.mkdir()
        (project / "structures").symlink_to(ROOT / "structures")
        command = [SNAKEMAKE, "-s", str(ROOT / "Snakefile"), "-d", str(project), *SUBMITTED, *CONFIG, *GROUPS, *SLOTS]
        done = subprocess.run(command, env=slurm.environment, check=False)
        wrong = differences(project / "results", LOCAL_RESULTS)
        compared = sum(1 for _ in LOCAL_RESULTS.glob("jobs/*/*/result.json"))
    for problem in wrong:
        print(f"not as in the local run: {problem}")
    print(f"{compared} calculations through Slurm, {len(wrong)} differences from the local run")
    return 1 if wrong or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
