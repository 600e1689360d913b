"""100 jobs that do nothing, start to finish: Snakemake as this workflow uses it, jobflow, quacc with Parsl.

Ours: a Snakefile of one rule with `log` and `script`, as in workflow/rules, whose script only opens
`iondrill.scripting.logged` and writes its output. Theirs: a `jobflow.Flow` of 100 jobs by `run_locally`
(https://materialsproject.github.io/jobflow), and 100 quacc jobs (https://quantum-accelerators.github.io/quacc) by
Parsl's workers (https://parsl-project.org). What they cannot do without: jobflow runs all jobs in one Python, so that a
job that is killed ends the flow; each of Snakemake's is a process with a log of its own, and starting Python is most of
its cost. The row of the scheduler alone (`shell: touch`) says what Snakemake itself takes.

The peers are installed into a folder of their own; IONDRILL_BENCH_PEERS names a Python that has them already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from frame import Growth, Row, benchmark, compare, cost, paired

RULE = """
rule all:
    input:
        expand("done/{{i}}", i=range({n})),


rule nothing:
    output:
        "done/{{i}}",
    log:
        "logs/{{i}}.log",
    {action}
"""
ACTIONS = {"script": 'script: "nothing.py"', "shell": 'shell: "touch {output}"'}
SCRIPT = """
from pathlib import Path
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    Path(snakemake.output[0]).touch()
"""
JOBFLOW = """
import sys
from jobflow import Flow, job, run_locally

@job
def nothing(i):
    return i

run_locally(Flow([nothing(i) for i in range(int(sys.argv[1]))]), log=False, ensure_success=True)
"""
QUACC = """
import os, sys
os.environ["QUACC_WORKFLOW_ENGINE"] = "parsl"
import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from quacc import job

parsl.load(Config(executors=[HighThroughputExecutor(label="two", max_workers_per_node=2, address="127.0.0.1")]))

@job
def nothing(i):
    return i

if __name__ == "__main__":
    [one.result() for one in [nothing(i) for i in range(int(sys.argv[1]))]]
    parsl.dfk().cleanup()
"""


def snakemake_flow(n, action):
    """Run n jobs in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Snakefile").write_text(RULE.format(n=n, action=ACTIONS[action]))
        Path(folder, "nothing.py").write_text(SCRIPT)
        words = [Path(sys.executable).with_name("snakemake"), "--cores", "2", "--quiet", "all"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)


def peer_flow(python, text, n):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flow.py").write_text(text)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {"HOME": folder, "PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
        words = [python, "flow.py", str(n)]
        subprocess.run(words, cwd=folder, check=True, capture_output=True, env=environment)


def install(folder):
    """Return a Python with the peers, and those that were installed."""
    python = Path(folder, "bin", "python")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    for package in ("jobflow", "quacc[parsl]"):
        subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=False)
    return python


def has(python, module):
    return subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0


def rows(options):
    n = 4 if options.quick else 100
    with tempfile.TemporaryDirectory() as folder:
        python = shutil.which(os.environ.get("IONDRILL_BENCH_PEERS", "")) or install(folder)
        for name, module, text in (("jobflow run_locally", "jobflow", JOBFLOW), ("quacc on Parsl", "quacc", QUACC)):
            if not has(python, module):
                yield Row(f"{n} jobs that do nothing", name, "s", note=f"{module} could not be installed")
                continue
            theirs = partial(peer_flow, python, text, n)
            pairs = paired(partial(snakemake_flow, n, "script"), theirs, options.pairs)
            yield compare(f"{n} jobs that do nothing", name, pairs, wanted=1)
            pairs = paired(partial(snakemake_flow, n, "shell"), theirs, options.pairs)
            yield compare(f"{n} jobs that do nothing, the scheduler alone", name, pairs)
    if not options.quick:
        sizes = (10, 30, 100)
        taken = [cost(partial(snakemake_flow, n, "script")).cpu_s for n in sizes]
        yield Growth("jobs that do nothing", "jobs", [float(n) for n in sizes], taken)


if __name__ == "__main__":
    benchmark("noop_jobs", rows)
