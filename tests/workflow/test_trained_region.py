"""Runs that a fitted potential drives out of the region that it was fitted in: stopped, and nothing is told of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.bussi import Bussi
from projects import make_project, run, snakemake, stacked, tiny

from iondrill.config.levels import XtbLevel
from iondrill.config.potential import FitSettings
from iondrill.engines.ase.grade import Grade
from iondrill.engines.embedded.velocities import maxwell_boltzmann
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.geometry.registry import build
from iondrill.potential.fit import fit

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

pytestmark = [pytest.mark.workflow, pytest.mark.torchnep]

QUICKLY = FitSettings(epochs=45, neurons=10, n_max=4, basis_size=6, batch=2, dispersion="learned")
RUN = {"assembly": "tiny", "steps": 50, "relax_parts": False, "thermalise": {"time_fs": 0}, "launch_m_s": 0}
CONFIG: dict[str, Any] = {
    "title": "A potential in and out of its region",
    "levels": {
        "gfn2": {"engine": "xtb"},
        "own": {"engine": "ase", "calculator": "fitted", "arguments": {"potential": "own"}},
    },
    "md": {
        "level": "own",
        "run": ["calm"],
        "runs": {
            "calm": {**RUN, "temperature_K": 30},
            "hot": {**RUN, "temperature_K": 3000, "steps": 100},
            "squeezed": {**RUN, "temperature_K": 30, "assembly": "squeezed"},
        },
    },
    "elf": {"frames": 0},
    "adsorption": {"facets": [], "ions": []},
}


def labels(start: Atoms, seed: int, n_frames: int) -> list[Atoms]:
    """Return frames of dynamics by GFN2 that begin at 500 K, with what it says of them."""
    atoms, rng = start.copy(), np.random.default_rng(seed)
    atoms.set_constraint()
    atoms.calc = XtbCalculator(XtbLevel(engine="xtb"))
    atoms.set_velocities(maxwell_boltzmann(atoms.get_masses(), 500, rng))
    dynamics = Bussi(atoms, timestep=units.fs, temperature_K=300, taut=20 * units.fs, rng=rng)
    found = []
    for _ in range(n_frames):
        frame = atoms.copy()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        frame.calc, frame.info = SinglePointCalculator(frame, **results), {}
        found.append(frame)
        dynamics.run(4)
    return found


def pressed() -> Atoms:
    flake = stacked("C6H6")
    flake.positions *= 0.83
    return flake


def test_a_run_out_of_the_region_is_refused_with_its_grade_and_another_is_told(tmp_path: Path) -> None:
    structures = tiny()
    structures["flakes/pressed.extxyz"] = pressed()
    structures["assemblies/squeezed.yaml"] = {**structures["assemblies/tiny.yaml"], "flake": "pressed"}
    project = make_project(tmp_path, CONFIG, structures)
    start = build("tiny", project / "structures")
    training = [frame for seed in (1, 2) for frame in labels(start, seed, 8)]
    fit(training, QUICKLY, project / "own", seed=1)
    Grade.fitted(training, labels(start, 4, 8)).write(project / "own")

    # inside: a run as any other
    done = run(snakemake(project, "--cores", "1", "results/md/calm/events.json"))
    assert done.returncode == 0, done.stderr[-4000:]

    # outside: nothing in the tables, no frames, and the reason in one sentence
    for name, steps in (("hot", "50|100"), ("squeezed", "0")):
        done = run(snakemake(project, "--cores", "1", f"results/md/{name}/events.json"))
        said = done.stdout + done.stderr
        record = json.loads((project / f"results/jobs/md/{name}.own/result.json").read_text())
        reason = record["attempts"][-1]["reason"]
        assert re.match(
            rf"step ({steps}) is outside the trained region: grade [\d.]+, atom \d+ \([CH]\), allowed 2", reason
        )
        assert (record["status"], record["energy_eV"]) == ("not_converged", None)
        assert reason in said
        assert "nothing is made from it" in said
        assert "Traceback" not in said
        assert {path.stat().st_size for path in (project / "results/md" / name).glob("*")} == {0}
        assert not (project / f"results/jobs/md/{name}.own/frames.bin").exists()
