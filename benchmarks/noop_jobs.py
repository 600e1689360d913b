"""100 jobs that do nothing, start to finish: Snakemake as this workflow uses it, jobflow, quacc with Parsl.

Ours: a Snakefile of one rule whose command starts a Python as our relaxations are started (``workflow/rules``), which
only opens `iondrill.scripting.logged` and writes its output. Theirs: a `jobflow.Flow` of 100 jobs by `run_locally`
(https://materialsproject.github.io/jobflow), and 100 quacc jobs (https://quantum-accelerators.github.io/quacc) by
Parsl's workers (https://parsl-project.org). What they cannot do without: jobflow runs all jobs in one Python, so that a
job that is killed ends the flow; each of Snakemake's is a process with a log of its own, and starting Python is most of
its cost. The row of the scheduler alone (`touch`) says what Snakemake itself takes.

The peers are installed once, into a folder of their own in our environment.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from frame import Growth, Row, benchmark, compare, cost, in_turn

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
ACTIONS = {
    "python": f'shell: "{shlex.quote(sys.executable)} nothing.py {{log}} {{output}}"',
    "touch": 'shell: "touch {output}"',
}
SCRIPT = """
import sys
from pathlib import Path
from iondrill.scripting import logged

with logged(sys.argv[1]):
    Path(sys.argv[2]).touch()
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

parsl.load(Config(executors=[HighThroughputExecutor(label="one", max_workers_per_node=1, address="127.0.0.1")]))

@job
def nothing(i):
    return i

if __name__ == "__main__":
    [one.result() for one in [nothing(i) for i in range(int(sys.argv[1]))]]
    parsl.dfk().cleanup()
"""

WHY = "a Python for each job, so that none that dies takes others with it"


def snakemake_flow(n, action):
    """Run n jobs in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Snakefile").write_text(RULE.format(n=n, action=ACTIONS[action]))
        Path(folder, "nothing.py").write_text(SCRIPT)
        words = [Path(sys.executable).with_name("snakemake"), "--cores", "1", "--quiet", "all"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)


def peer_flow(python, text, n):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flow.py").write_text(text)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {"HOME": folder, "PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
        words = [python, "flow.py", str(n)]
        subprocess.run(words, cwd=folder, check=True, capture_output=True, env=environment)


def peers_python():
    """Return a Python with those peers that can be installed."""
    folder = Path(sys.prefix, "peers")
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        for package in ("jobflow", "quacc[parsl]"):
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--quiet", package], check=False)
    return python


def has(python, module):
    return subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True).returncode == 0


def rows(options):
    n = 4 if options.quick else 100
    python = peers_python()
    peers = {
        name: partial(peer_flow, python, text, n)
        for name, module, text in (("jobflow run_locally", "jobflow", JOBFLOW), ("quacc on Parsl", "quacc", QUACC))
        if has(python, module)
    }
    ours = {action: partial(snakemake_flow, n, action) for action in ACTIONS}
    taken = in_turn(ours | peers, options.pairs)
    work = f"{n} jobs that do nothing"
    for name in peers:
        yield compare(work, name, [(one["python"], one[name]) for one in taken], wanted=1, note=WHY)
        yield compare(f"{work}, the scheduler alone", name, [(one["touch"], one[name]) for one in taken])
    if len(peers) < 2:
        yield Row(work, "jobflow, quacc", "s", note=f"could be installed: {', '.join(peers) or 'none'}")
    if not options.quick:
        cpu_s = {m: cost(partial(snakemake_flow, m, "python")).cpu_s for m in (10, 30)}
        cpu_s[n] = median(one["python"].cpu_s for one in taken)
        yield Growth("jobs that do nothing", "jobs", [float(m) for m in cpu_s], list(cpu_s.values()))


if __name__ == "__main__":
    benchmark("noop_jobs", rows)
