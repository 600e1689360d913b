"""Any calculator of ASE as a level: against ASE's own optimiser, paths and integrator, and runs that are killed."""

from __future__ import annotations

import itertools
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_adsorbate, fcc100, molecule
from ase.calculators.emt import EMT
from ase.calculators.harmonic import SpringCalculator
from ase.cluster import Octahedron
from ase.constraints import FixAtoms
from ase.mep import NEB
from ase.optimize import BFGS

from iondrill.config.levels import AseLevel
from iondrill.engines.ase import AseEngine, make
from iondrill.engines.ase import calculator as calculator_module
from iondrill.engines.ase.calculator import AseCalculator
from iondrill.engines.embedded.neb import find_path
from iondrill.errors import UserError
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Job
from iondrill.jobs.journal import state_folder

if TYPE_CHECKING:
    from pathlib import Path

LEVEL = AseLevel(engine="ase", calculator="EMT")
MD = {
    "task": "md",
    "timestep_fs": 2.0,
    "temperature_K": 400,
    "thermostat": {"time_constant_fs": 50},
    "launch_m_s": 0,
    "save_every": 5,
    "seed": 3,
}


def job(task: dict[str, Any], level: AseLevel = LEVEL, **changes: Any) -> Job:
    fields = {"stage": "md", "name": "x.a", "level_name": "a", "level": level, "kind": "cluster", "task": task}
    return Job.model_validate({**fields, **changes})


def copper() -> Atoms:
    atoms = Octahedron("Cu", 3)
    atoms.symbols[[0, 5]] = "Au"
    atoms.rattle(0.1, seed=2)
    atoms.set_array("fragment", np.array(["nd"] * len(atoms), dtype="U10"))
    return atoms


def frames_of(one: Job, atoms: Atoms, folder: Path) -> Frames:
    return Frames(state_folder(folder, one.input_hash(atoms)) / "frames.bin", stride=one.task.save_every)


def test_a_relaxation_ends_in_the_minimum_of_another_optimiser(tmp_path: Path) -> None:
    result, final = AseEngine().run(job({"task": "relax", "fmax_eV_A": 0.002, "max_steps": 300}), copper(), tmp_path)
    theirs = copper()
    theirs.calc = EMT()
    BFGS(theirs, logfile=None).run(fmax=0.002, steps=300)
    assert result.status == "converged"
    assert result.energy_eV == pytest.approx(theirs.get_potential_energy(), abs=1e-5)
    assert final.get_all_distances() == pytest.approx(theirs.get_all_distances(), abs=5e-3)
    assert result.n_scf_cycles == 0
    assert result.engine_version.startswith("EMT of ase ")


def test_a_longer_run_is_a_shorter_one_continued_digit_for_digit(tmp_path: Path) -> None:
    """ASE's EMT keeps a list of neighbours from step to step; that decides the last digits, and is not kept."""
    longer, shorter = job({**MD, "steps": 210}), job({**MD, "steps": 200})
    AseEngine().run(longer, copper(), tmp_path / "whole")
    AseEngine().run(shorter, copper(), tmp_path / "parts")
    result, _ = AseEngine().run(longer, copper(), tmp_path / "parts")
    assert result.attempts[-1].changed == "continued from step 200"
    whole, parts = (frames_of(longer, copper(), tmp_path / name) for name in ("whole", "parts"))
    assert whole.steps.tolist() == list(range(0, 211, 5))
    assert "charges_e" not in whole.fields
    assert all(parts[k].tobytes() == whole[k].tobytes() for k in range(43))


@pytest.mark.parametrize("dispersion", ["none", "D3(BJ)"])
def test_what_is_killed_again_and_again_ends_as_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dispersion: str
) -> None:
    monkeypatch.setattr(calculator_module, "KEEP_EVERY_S", 0.0)
    level = AseLevel(engine="ase", calculator="EMT", dispersion=dispersion, functional="PBE")
    run = job({**MD, "steps": 40}, level)
    relaxation = job({"task": "relax", "fmax_eV_A": 0.01, "max_steps": 300}, level)
    AseEngine().run(run, copper(), tmp_path / "whole")
    uninterrupted, there = AseEngine().run(relaxation, copper(), tmp_path / "whole")
    calls, compute = itertools.count(1), AseCalculator._computed

    def interrupted(calculator: AseCalculator) -> Any:
        if next(calls) % 13 == 0:
            raise KeyboardInterrupt
        return compute(calculator)

    monkeypatch.setattr(AseCalculator, "_computed", interrupted)
    for one in (run, relaxation):
        for _ in range(30):
            with suppress(KeyboardInterrupt):
                result, final = AseEngine().run(one, copper(), tmp_path / "killed")
                break
        assert len(result.attempts) > 2
        assert result.status == "converged"
    whole, killed = (frames_of(run, copper(), tmp_path / name) for name in ("whole", "killed"))
    assert all(killed[k].tobytes() == whole[k].tobytes() for k in range(9))
    assert (result.energy_eV, result.n_ionic_steps) == (uninterrupted.energy_eV, uninterrupted.n_ionic_steps)
    assert np.array_equal(final.positions, there.positions)


def test_points_that_are_not_kept_are_made_again_digit_for_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step takes less than to write it: of many none is kept, but frames are, and those after the point go."""
    monkeypatch.setattr(calculator_module, "KEEP_EVERY_S", 1e9)
    run, relaxation = job({**MD, "steps": 40}), job({"task": "relax", "fmax_eV_A": 0.01, "max_steps": 300})
    AseEngine().run(run, copper(), tmp_path / "whole")
    uninterrupted, there = AseEngine().run(relaxation, copper(), tmp_path / "whole")
    calls, compute = itertools.count(1), AseCalculator._computed

    def interrupted(calculator: AseCalculator) -> Any:
        if next(calls) in (18, 75):
            raise KeyboardInterrupt
        return compute(calculator)

    monkeypatch.setattr(AseCalculator, "_computed", interrupted)
    for one, changed in ((run, "continued from step 0"), (relaxation, "")):
        with pytest.raises(KeyboardInterrupt):
            AseEngine().run(one, copper(), tmp_path / "killed")
        result, final = AseEngine().run(one, copper(), tmp_path / "killed")
        assert [attempt.changed for attempt in result.attempts] == ["", changed]
    whole, killed = (frames_of(run, copper(), tmp_path / name) for name in ("whole", "killed"))
    assert len(whole) == len(killed) == 9
    assert all(killed[k].tobytes() == whole[k].tobytes() for k in range(9))
    assert (result.energy_eV, result.n_ionic_steps) == (uninterrupted.energy_eV, uninterrupted.n_ionic_steps)
    assert np.array_equal(final.positions, there.positions)


def test_energy_is_conserved_and_drifts_with_the_square_of_the_step(tmp_path: Path) -> None:
    spread = []
    for timestep in (4.0, 2.0):
        run = job({**MD, "steps": int(400 / timestep), "timestep_fs": timestep, "thermostat": {"kind": "none"}})
        AseEngine().run(run, copper(), tmp_path / str(timestep))
        frames = frames_of(run, copper(), tmp_path / str(timestep))
        spread.append(np.ptp([frame["conserved_eV"] for chunk in frames.chunks() for frame in chunk]))
    assert spread[1] < 0.02
    assert 2.5 < spread[0] / spread[1] < 6.0


def adatom() -> tuple[Atoms, Atoms]:
    """Return gold on Al(100) in two neighbouring hollows, relaxed, as in ASE's tutorial of the nudged elastic band."""
    slab = fcc100("Al", size=(2, 2, 3))
    add_adsorbate(slab, "Au", 1.7, "hollow")
    slab.center(axis=2, vacuum=4.0)
    slab.set_constraint(FixAtoms(mask=[atom.tag > 1 for atom in slab]))
    end = slab.copy()
    end[-1].x += slab.get_cell()[0, 0] / 2
    for atoms in (slab, end):
        atoms.calc = EMT()
        BFGS(atoms, logfile=None).run(fmax=0.005)
        atoms.calc = None
    return slab, end


def test_the_barrier_of_gold_on_aluminium_is_that_of_ases_own_band(tmp_path: Path) -> None:
    start, end = adatom()
    task = {"task": "neb", "images": 3, "fmax_eV_A": 0.01, "max_steps": 300}
    result, band = find_path(job(task, stage="barriers", kind="slab"), start, end, tmp_path)
    images = [start.copy() for _ in range(4)] + [end.copy()]
    for image in images:
        image.calc = EMT()
    theirs = NEB(images, climb=True, method="improvedtangent")
    theirs.interpolate()
    BFGS(theirs, logfile=None).run(fmax=0.01)
    energies = [image.get_potential_energy() for image in images]
    assert result.status == "converged"
    assert max(band.energies_eV) - band.energies_eV[0] == pytest.approx(max(energies) - energies[0], abs=1e-3)
    assert max(energies) - energies[0] == pytest.approx(0.374, abs=0.005)  # the tutorial's figure


def test_dispersion_is_that_of_dftd3_with_the_published_parameters(tmp_path: Path) -> None:
    from dftd3.ase import DFTD3

    level = AseLevel(engine="ase", calculator="EMT", dispersion="D3(BJ)", functional="PBE")
    atoms = molecule("C6H6")
    result, final = AseEngine().run(job({"task": "static"}, level), atoms, tmp_path / "d3")
    bare, plain = AseEngine().run(job({"task": "static"}), atoms, tmp_path / "bare")
    # Grimme, Ehrlich and Goerigk 2011, PBE; no three-body term
    theirs = molecule("C6H6")
    theirs.calc = DFTD3(damping="d3bj", params_tweaks={"s8": 0.7875, "a1": 0.4289, "a2": 4.4407, "s9": 0.0})
    assert result.energy_eV - bare.energy_eV == pytest.approx(theirs.get_potential_energy(), abs=1e-12)
    forces = final.arrays["forces_eV_A"] - plain.arrays["forces_eV_A"]
    assert forces == pytest.approx(theirs.get_forces(), abs=1e-12)
    assert "dftd3" in result.engine_version


# --- a calculator of one's own, and mistakes --------------------------------------------------------------------

OWN = """
from ase.calculators.harmonic import SpringCalculator
import numpy as np

def springs(k, atoms=2):
    return SpringCalculator(np.array([[0.0, 0, 0], [1.0, 0, 0]][:atoms]), k)

def broken():
    from ase.calculators.calculator import Calculator
    class Broken(Calculator):
        implemented_properties = ["energy", "forces"]
        def calculate(self, atoms=None, properties=None, system_changes=None):
            raise KeyError(atoms.get_chemical_symbols()[0])
    return Broken()

def unconverged():
    from ase.calculators.calculator import Calculator, SCFError
    class Unconverged(Calculator):
        implemented_properties = ["energy", "forces"]
        def calculate(self, atoms=None, properties=None, system_changes=None):
            raise SCFError("250 cycles")
    return Unconverged()

def endless():
    from ase.calculators.calculator import Calculator
    class Endless(Calculator):
        implemented_properties = ["energy", "forces"]
        def calculate(self, atoms=None, properties=None, system_changes=None):
            self.results = {"energy": float("nan"), "forces": np.zeros((len(atoms), 3))}
    return Endless()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("springs_of_mine", "not_python"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(make, "_made", {})
    (tmp_path / "springs_of_mine.py").write_text(OWN)
    (tmp_path / "not_python.py").write_text("def (")
    return tmp_path


def own(name: str, **arguments: Any) -> AseLevel:
    return AseLevel(engine="ase", calculator=f"springs_of_mine.{name}", arguments=arguments)


def test_a_calculator_of_ones_own_stands_in_the_project(project: Path) -> None:
    atoms = Atoms("H2", positions=[[0.1, 0, 0], [1.3, 0.2, 0]])
    result, final = AseEngine().run(job({"task": "static"}, own("springs", k=2.0)), atoms, project / "job")
    theirs = SpringCalculator(np.array([[0.0, 0, 0], [1.0, 0, 0]]), 2.0)
    atoms.calc = theirs
    assert result.energy_eV == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    assert final.arrays["forces_eV_A"] == pytest.approx(atoms.get_forces(), abs=1e-12)
    assert result.engine_version == "springs_of_mine.springs of springs_of_mine"


@pytest.mark.parametrize(
    ("level", "says"),
    [
        (AseLevel(engine="ase", calculator="no_such_thing.Here"), "there is no module no_such_thing"),
        (own("absent"), "module springs_of_mine has no 'absent'"),
        (own("springs", k=1, stiff=True), "unexpected keyword argument 'stiff'"),
        (own("springs"), "missing 1 required positional argument"),
        (own("broken"), "failed for 2 atoms of H: KeyError: 'H'"),
        (AseLevel(engine="ase", calculator="not_python.X"), "cannot be imported: SyntaxError"),
        (
            AseLevel(engine="ase", calculator="EMT", dispersion="D3(BJ)", functional="pebe"),
            "no D3(BJ) parameters of pebe",
        ),
    ],
)
def test_a_mistake_in_a_level_is_one_message(project: Path, level: AseLevel, says: str) -> None:
    atoms = Atoms("H2", positions=[[0.1, 0, 0], [1.3, 0.2, 0]])
    with pytest.raises(UserError) as caught:
        AseEngine().run(job({"task": "static"}, level), atoms, project / "job")
    (problem,) = caught.value.problems
    assert says in f"{problem.found} {problem.allowed}"
    assert "\n" not in str(problem)


@pytest.mark.parametrize(("name", "says"), [("unconverged", "250 cycles"), ("endless", "not finite")])
def test_what_does_not_converge_has_no_number(project: Path, name: str, says: str) -> None:
    atoms = Atoms("H2", positions=[[0.1, 0, 0], [1.3, 0.2, 0]])
    result, _ = AseEngine().run(job({"task": "static"}, own(name)), atoms, project / "job")
    assert (result.status, result.energy_eV) == ("not_converged", None)
    assert says in result.attempts[-1].reason


@pytest.mark.parametrize(
    ("changes", "atoms", "says"),
    [
        ({}, Atoms("Li"), "no parameters for Li"),
        ({"charge": 1}, Atoms("H"), "knows of no charge"),
        ({"task": {"task": "static", "wavefunction": True}}, Atoms("H"), "has no wavefunction"),
        ({"task": {**MD, "steps": 1, "thermostat": {"kind": "nose"}}}, Atoms("H"), "does not offer the nose"),
    ],
)
def test_what_a_calculator_cannot_do_is_said_before_it_runs(
    tmp_path: Path, changes: dict[str, Any], atoms: Atoms, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        AseEngine().write_inputs(job(**{"task": {"task": "static"}, **changes}), atoms, tmp_path)


def test_a_file_that_a_level_names_is_part_of_the_job(project: Path) -> None:
    one = job({"task": "static"}, own("springs", k=2.0, file="model/a.txt"))
    (project / "model").mkdir()
    hashes = set()
    for text in ("1", "2", "2"):
        (project / "model/a.txt").write_text(text)
        hashes |= {one.input_hash(Atoms("H")), job({"task": "static"}, own("springs", folder="model")).input_hash()}
    assert len(hashes) == 4
