"""Lower points near an ion are found: a planted double well, a false state, a kill; and real GFN2."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from scipy.optimize import minimize_scalar

from iondrill.config.levels import XtbLevel
from iondrill.engines import neighbourhood
from iondrill.engines.base import AttemptEntry, Result, StoppedError
from iondrill.engines.execute import execute
from iondrill.engines.neighbourhood import FOLDER, lifted, relax_and_look_around
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.errors import UserError
from iondrill.geometry.checks import check_distances
from iondrill.jobs.job import Job, Relax

LOOK_A = (-0.4, 0.4, 0.8)
SLAB_Z_A = 5.0


class Wells(Calculator):
    """Gaussian wells along z over a slab, and a floor that keeps the ion off."""

    implemented_properties = ["energy", "forces"]

    def __init__(self, wells, hole=None):
        super().__init__()
        self.wells, self.hole = wells, hole

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        ion = atoms.arrays["fragment"] == "adsorbate"
        height_A = abs(atoms.positions[ion, 2] - SLAB_Z_A)
        energy, slope = np.exp(-8 * height_A), -8 * np.exp(-8 * height_A)
        for depth_eV, at_A, width_A in self.wells:
            well = depth_eV * np.exp(-(((height_A - at_A) / width_A) ** 2))
            energy, slope = energy - well, slope + well * 2 * (height_A - at_A) / width_A**2
        if self.hole is not None:
            energy = energy - 14.0 * (abs(height_A - self.hole) < 0.05)
        forces = np.zeros((len(atoms), 3))
        forces[ion, 2] = -slope * np.sign(atoms.positions[ion, 2] - SLAB_Z_A)
        self.results = {"energy": float(energy.sum()), "forces": forces}


class Analytic:
    """An engine that computes with `Wells`, counts its jobs, and stops on request."""

    def __init__(self, wells, hole=None, stop_at=None):
        self.wells, self.hole, self.stop_at, self.done = wells, hole, stop_at, []

    def run(self, job, atoms, folder):
        if len(self.done) == self.stop_at:
            self.stop_at = None
            raise StoppedError.of(folder, "stopped")
        atoms = atoms.copy()
        atoms.calc = Wells(self.wells, self.hole)
        steps = 0
        if isinstance(job.task, Relax):
            optimizer = BFGS(atoms, logfile=None, maxstep=0.05)
            optimizer.run(fmax=job.task.fmax_eV_A, steps=job.task.max_steps)
            steps = optimizer.nsteps
        self.done.append(job.task.task)
        result = Result(
            status="converged",
            level=job.level_name,
            engine="xtb",
            engine_version="0",
            energy_eV=atoms.get_potential_energy(),
            n_ionic_steps=steps,
            n_scf_cycles=10,
            core_s=1.0,
            attempts=[AttemptEntry(reason="finished")],
            input_hash=job.input_hash(atoms),
        )
        atoms.calc = None
        return result, atoms


def job(look=LOOK_A, **level):
    return Job(
        stage="adsorption",
        name="slab.Li-top.gfn2",
        level_name="gfn2",
        level=XtbLevel(engine="xtb", **level),
        task=Relax(fmax_eV_A=0.01, max_steps=200, look_around_A=look),
        kind="slab",
    )


def slab(*heights_A):
    atoms = Atoms("C", [[0, 0, SLAB_Z_A - 1]], cell=[5, 5, 20], pbc=True)
    atoms += Atoms(["Li"] * len(heights_A), [[0, 0, SLAB_Z_A + height] for height in heights_A])
    atoms.arrays["fragment"] = np.array(["slab"] + ["adsorbate"] * len(heights_A))
    atoms.set_constraint(FixAtoms([0]))
    return atoms


@pytest.fixture
def analytic(monkeypatch):
    def use(*wells, **settings):
        made = Analytic(wells, **settings)
        monkeypatch.setattr(neighbourhood, "engine", lambda _: made)
        monkeypatch.setattr(neighbourhood, "write_folder", lambda *_: [])
        return made

    return use


FIRST, DEEPER = (1.0, 2.0, 0.25), (1.3, 2.7, 0.3)


def bottom(wells, near_A):
    """Return the energy of the minimum near a height, by another minimiser than the engine's."""

    def energy(height_A):
        return np.exp(-8 * height_A) - sum(
            depth * np.exp(-(((height_A - at) / width) ** 2)) for depth, at, width in wells
        )

    return minimize_scalar(energy, bounds=(near_A - 0.15, near_A + 0.15), method="bounded").fun


def height(atoms):
    return atoms.positions[-1, 2] - SLAB_Z_A


@pytest.mark.parametrize(("other", "width"), [(2.7, 0.3), (1.6, 0.2)])
def test_of_two_wells_the_deeper_is_kept_and_the_other_told(analytic, tmp_path, other, width):
    wells = FIRST, (1.3, other, width)
    engine = analytic(*wells)
    result, final = relax_and_look_around(job(), slab(2.05), tmp_path)
    assert height(final) == pytest.approx(other, abs=0.05)
    assert result.energy_eV == pytest.approx(bottom(wells, other), abs=1e-3)
    (left,) = result.neighbourhood.left
    assert left.above_eV == pytest.approx(bottom(wells, 2.0) - bottom(wells, other), abs=1e-3)
    assert np.sign(left.shift_A) == np.sign(other - 2.0)
    # what is recorded lies around the position that was kept
    assert min(point.above_eV for point in result.neighbourhood.points) > 0
    assert engine.done == ["relax", *["static"] * 3, "relax", *["static"] * 3]
    assert (result.n_scf_cycles, result.core_s, len(result.attempts)) == (80, 8.0, 2)


def test_an_ion_in_the_deeper_well_stays(analytic, tmp_path):
    engine = analytic(FIRST, DEEPER)
    result, final = relax_and_look_around(job(), slab(2.75), tmp_path)
    assert height(final) == pytest.approx(2.7, abs=0.05)
    assert result.neighbourhood.left == []
    assert engine.done == ["relax", *["static"] * 3]
    expected = Wells((FIRST, DEEPER))
    for point in result.neighbourhood.points:
        lift = lifted(final, point.shift_A)
        lift.calc = expected
        assert point.above_eV == pytest.approx(lift.get_potential_energy() - result.energy_eV, abs=1e-6)


def test_wells_one_after_the_other_lead_to_the_lowest(analytic, tmp_path):
    analytic(FIRST, DEEPER, (1.9, 3.4, 0.3))
    result, final = relax_and_look_around(job(), slab(2.0), tmp_path)
    assert height(final) == pytest.approx(3.4, abs=0.05)
    assert [round(left.above_eV, 1) for left in result.neighbourhood.left] == [0.9, 0.6]


def test_a_false_state_of_the_scf_is_not_gone_after(analytic, tmp_path):
    engine = analytic(FIRST, hole=2.8)
    result, final = relax_and_look_around(job(), slab(2.0), tmp_path)
    assert height(final) == pytest.approx(2.0, abs=0.05)
    assert min(point.above_eV for point in result.neighbourhood.points) < -10
    assert engine.done.count("relax") == 1


def test_ions_on_both_sides_are_lifted_away_from_the_slab():
    atoms = lifted(slab(2.0, -2.5), 0.4)
    assert atoms.positions[:, 2] - SLAB_Z_A == pytest.approx([-1.0, 2.4, -2.9])


@pytest.mark.parametrize("stop_at", range(8))
def test_stopped_anywhere_it_goes_on_and_does_no_part_twice(analytic, tmp_path, stop_at):
    analytic(FIRST, DEEPER)
    uninterrupted, final = relax_and_look_around(job(), slab(2.05), tmp_path / "uninterrupted")
    engine = analytic(FIRST, DEEPER, stop_at=stop_at)
    with pytest.raises(StoppedError):
        relax_and_look_around(job(), slab(2.05), tmp_path / "stopped")
    result, again = relax_and_look_around(job(), slab(2.05), tmp_path / "stopped")
    assert len(engine.done) == 8
    assert result == uninterrupted
    assert again.positions == pytest.approx(final.positions, abs=1e-8)


def test_a_point_where_atoms_would_overlap_is_left_out(analytic, tmp_path):
    analytic((1.0, 0.7, 0.25))  # 1.7 Å over the carbon
    result, _ = relax_and_look_around(job(), slab(0.8), tmp_path)
    assert [point.shift_A for point in result.neighbourhood.points] == [0.4, 0.8]


def test_a_relaxation_that_ends_with_atoms_in_each_other_is_handed_on_and_not_kept(analytic, tmp_path):
    analytic((1.0, -0.4, 0.25))  # 0.6 Å over the carbon
    result, final = relax_and_look_around(job(look=()), slab(-0.5), tmp_path)
    assert result.status == "converged"
    with pytest.raises(UserError, match="apart; allowed"):
        check_distances(final, "")
    assert not list(tmp_path.glob("**/done.json"))


def test_how_far_is_looked_does_not_change_what_is_relaxed(analytic, tmp_path):
    engine = analytic(FIRST, DEEPER)
    relax_and_look_around(job(), slab(2.05), tmp_path)
    relax_and_look_around(job((0.2,)), slab(2.05), tmp_path)
    assert engine.done[8:] == ["static"]


def test_a_relaxation_that_did_not_converge_is_left_alone(analytic, tmp_path, monkeypatch):
    engine = analytic(FIRST, DEEPER)
    run = engine.run
    bad = {"status": "not_converged", "energy_eV": None}

    def unconverged(*given):
        result, final = run(*given)
        return result.model_copy(update=bad), final

    monkeypatch.setattr(engine, "run", unconverged)
    result, _ = relax_and_look_around(job(), slab(2.05), tmp_path)
    assert (result.status, result.neighbourhood, engine.done) == ("not_converged", None, ["relax"])


def test_gfn2_looks_around_lithium(tmp_path, structure):
    # warm: at 300 K it depends on the processor whether the SCF of this little metal converges
    start, task = structure("slab"), job((0.5,), dispersion="none", electronic_temperature_K=2500)
    task = task.model_copy(update={"task": Relax(fmax_eV_A=0.3, max_steps=60, look_around_A=(0.5,))})
    files = tmp_path / "job/result.json", tmp_path / "job/relaxed.extxyz"
    result = execute(task.model_dump(mode="json"), start, *files)
    (point,) = result.neighbourhood.points
    from iondrill.geometry.checks import read_structure

    found = []
    for atoms in (read_structure(files[1]), lifted(read_structure(files[1]), 0.5)):
        atoms.calc = XtbCalculator(task.level, 0, 1)
        found.append(atoms.get_potential_energy())
    assert result.energy_eV == pytest.approx(found[0], abs=1e-4)
    assert point.above_eV == pytest.approx(found[1] - found[0], abs=1e-4)
    assert (tmp_path / "job" / FOLDER / "0" / "+0.50A" / "job.json").is_file()
    assert result.input_hash == task.input_hash(start)
