"""VASP inputs: read back by pymatgen, they are what the job asks for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from ase.constraints import FixAtoms, FixCartesian
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

from iondrill.engines.registry import engine, write_folder
from iondrill.engines.vasp.inputs import read_order, render_inputs
from iondrill.errors import UserError

CASES = list(product(("relax", "static", "wavefunction"), ("cluster", "slab", "atom"), ("Li", "Na", "K")))


def incar(job, atoms):
    return Incar.from_str(render_inputs(job, atoms)["INCAR"])


@pytest.mark.parametrize(("task", "kind", "ion"), CASES)
def test_every_job_is_valid_and_comes_back(*, task, kind, ion, make_job, structure, tmp_path):
    job, atoms = make_job("vasp", kind, task), structure(kind, ion)
    write_folder(job, atoms, tmp_path)
    assert len(engine("vasp").validate_inputs(tmp_path)) == 3
    assert not (tmp_path / "POTCAR").exists()
    found = Poscar.from_file(tmp_path / "POSCAR", check_for_potcar=False)
    back = read_order(tmp_path)
    assert [found.structure[int(i)].species_string for i in back] == atoms.get_chemical_symbols()
    moved = found.structure.cart_coords[back] - atoms.positions
    assert np.abs(moved - moved[0]).max() < 1e-8  # shifted as a whole at most
    assert kind != "slab" or np.abs(moved).max() < 1e-8
    free = np.ones((len(atoms), 3), bool) if found.selective_dynamics is None else np.array(found.selective_dynamics)
    fixed = [int(i) for constraint in atoms.constraints for i in constraint.get_indices()]
    assert np.flatnonzero(~free[back].any(axis=1)).tolist() == fixed
    assert free.sum() == 3 * (len(atoms) - len(fixed))
    datasets = {"C": "C", "H": "H", "Li": "Li_sv", "Na": "Na_pv", "K": "K_sv"}
    assert (tmp_path / "POTCAR.spec").read_text().split() == [datasets[name] for name in found.site_symbols]


def test_the_settings_that_energies_rest_on(make_job, structure):
    found = incar(make_job("vasp", "slab", "relax"), structure("slab"))
    expected = {
        "ENCUT": 520,
        "EDIFF": 1e-6,
        "EDIFFG": -0.03,
        "ISMEAR": 0,
        "SIGMA": 0.05,
        "ISPIN": 2,
        "PREC": "Accurate",
        "LREAL": False,
        "IVDW": 12,
        "LDIPOL": True,
        "IDIPOL": 3,
        "IBRION": 2,
        "NSW": 77,
        "NCORE": 1,
    }
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(("name", "ivdw"), [("D3(BJ)", 12), ("D3(0)", 11), ("none", None)])
def test_dispersion(name, ivdw, make_job, structure):
    assert incar(make_job("vasp", "atom", "static", level={"dispersion": name}), structure("atom")).get("IVDW") == ivdw


def test_the_dipole_is_about_the_centre_of_mass(make_job, structure):
    atoms = structure("slab")
    fractional = np.array(incar(make_job("vasp", "slab", "relax"), atoms)["DIPOL"], dtype=float)
    assert np.allclose(fractional @ atoms.cell.array, atoms.get_center_of_mass(), atol=1e-6)


def test_a_lone_atom_can_break_the_symmetry_of_its_box(make_job, structure, tmp_path):
    write_folder(make_job("vasp", "atom", "static"), structure("atom", "Na"), tmp_path)
    found = Incar.from_file(tmp_path / "INCAR")
    lattice = Poscar.from_file(tmp_path / "POSCAR", check_for_potcar=False).structure.lattice
    assert found["ISYM"] == 0
    assert found["MAGMOM"] == [1.0]
    assert lattice.abc == (12, 13, 14)
    assert "LDIPOL" not in found


@pytest.mark.parametrize(("kind", "grid"), [("slab", (4, 3, 1)), ("cluster", (1, 1, 1)), ("atom", (1, 1, 1))])
def test_k_points_are_gamma_centred_and_only_for_slabs_a_grid(kind, grid, make_job, structure):
    text = render_inputs(make_job("vasp", kind, "static", level={"kpoints": (4, 3, 1)}), structure(kind))["KPOINTS"]
    found = Kpoints.from_str(text)
    assert found.style.name == "Gamma"
    assert tuple(found.kpts[0]) == grid


def test_elf_on_demand_runs_without_band_parallelism(make_job, structure):
    level = {"ncore": 8}
    with_elf = incar(make_job("vasp", "slab", "wavefunction", level=level), structure("slab"))
    without = incar(make_job("vasp", "slab", "static", level=level), structure("slab"))
    assert (with_elf["LELF"], with_elf["NCORE"]) == (True, 1)
    assert ("LELF" in without, without["NCORE"]) == (False, 8)


def test_moments_follow_the_order_of_the_poscar(make_job, structure):
    atoms = structure("slab")  # H C C H Li
    moments = incar(make_job("vasp", "slab", "static"), atoms)["MAGMOM"]
    assert moments == [0.2, 0.2, 0.2, 0.2, 1.0]  # C C H H Li


def test_a_multiplicity_is_imposed_only_when_asked_for(make_job, structure):
    assert "NUPDOWN" not in incar(make_job("vasp", "cluster", "static"), structure("cluster"))
    assert incar(make_job("vasp", "cluster", "static", multiplicity=4), structure("cluster"))["NUPDOWN"] == 3


@pytest.mark.parametrize(
    ("kind", "task", "changes", "message"),
    [
        ("cluster", "md", {}, "no molecular dynamics"),
        ("slab", "static", {"charge": 1}, "charge 1 with engine vasp; allowed: 0"),
        ("atom", "static", {"multiplicity": 3}, "multiplicity 3 does not fit"),
        ("atom", "static", {"level": {"potcars": {"C": "C"}}}, "level 'dft': no PAW dataset for Li; allowed: C"),
    ],
)
def test_what_is_not_offered_is_refused(*, kind, task, changes, message, make_job, structure):
    with pytest.raises(UserError, match=message):
        render_inputs(make_job("vasp", kind, task, **changes), structure(kind))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("INCAR", "EDIFFG", "EDIFG", r"INCAR \(line \d+\): unknown key 'EDIFG'; did you mean 'EDIFFG'"),
        ("INCAR", "ISPIN = 2", "ISPIN = 5", "INCAR .*ISPIN"),
        ("KPOINTS", "3 3 1", "3 3 2", "KPOINTS: the grid is"),
        ("KPOINTS", "Gamma\n", "Monkhorst\n", "KPOINTS: the grid is Monkhorst"),
        ("POTCAR.spec", "Li_sv", "Li", "POTCAR.spec: names C H Li; allowed: C H Li_sv"),
        ("POSCAR", " C   H   Li", " H   C   Li", "POSCAR: holds"),
        ("POSCAR", "   F   F   F", "   T   T   T", "selective dynamics differ"),
        ("ase-sort.dat", "    1     2", "    1     0", "ase-sort.dat: does not hold every atom once"),
        ("POSCAR", "Direct", "", "POSCAR"),
    ],
)
def test_a_damaged_set_is_refused(*, file, old, new, message, make_job, structure, tmp_path):
    write_folder(make_job("vasp", "slab", "relax"), structure("slab"), tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    with pytest.raises(UserError, match=message):
        engine("vasp").validate_inputs(tmp_path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    encut=st.floats(100, 2000),
    ediff=st.floats(1e-9, 1e-3),
    ismear=st.sampled_from([-5, -1, 0, 1, 2]),
    sigma=st.floats(0, 0.5),
    ncore=st.integers(1, 256),
    fmax=st.floats(1e-4, 1),
)
def test_the_numbers_of_any_level_come_back(*, encut, ediff, ismear, sigma, ncore, fmax, make_job, structure):
    level = {"encut_eV": encut, "ediff_eV": ediff, "ismear": ismear, "sigma_eV": sigma, "ncore": ncore}
    job = make_job("vasp", "slab", {"task": "relax", "fmax_eV_A": fmax, "max_steps": 9}, level=level)
    found = incar(job, structure("slab"))
    keys = ("ENCUT", "EDIFF", "ISMEAR", "SIGMA", "NCORE", "EDIFFG")
    assert [float(found[key]) for key in keys] == [encut, ediff, ismear, sigma, ncore, -fmax]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(8)), fixed=st.sets(st.integers(0, 7)))
def test_any_order_of_atoms_maps_back(order, fixed, make_job, structure, tmp_path):
    atoms = structure("slab").repeat((2, 1, 1))[[*order, 8, 9]]
    atoms.set_constraint(FixAtoms(sorted(fixed)))
    write_folder(make_job("vasp", "slab", "relax"), atoms, tmp_path)
    back = read_order(tmp_path)
    found = Poscar.from_file(tmp_path / "POSCAR", check_for_potcar=False)
    assert np.allclose(found.structure.cart_coords[back], atoms.positions, atol=1e-8)
    free = np.ones((10, 3), bool) if found.selective_dynamics is None else np.array(found.selective_dynamics)
    assert set(np.flatnonzero(~free[back].all(axis=1))) == fixed


@pytest.mark.parametrize("mask", [(True, True, False), (False, False, True), (False, True, False)])
def test_flags_of_a_poscar_leave_an_atom_the_directions_that_are_free(mask, make_job, structure, tmp_path):
    """The cell is oblique: b has a part along x and along y, so that what y fixes is b alone."""
    atoms = structure("slab")
    atoms.set_constraint([FixAtoms([0]), FixCartesian([2], mask)])
    write_folder(make_job("vasp", "slab", "relax"), atoms, tmp_path)
    found = Poscar.from_file(tmp_path / "POSCAR", check_for_potcar=False)
    flags = np.array(found.selective_dynamics)[read_order(tmp_path)]
    assert flags[[0, 1, 3]].tolist() == [[False] * 3, [True] * 3, [True] * 3]
    free = atoms.cell.array[flags[2]]  # VASP moves the atom along these
    assert (np.abs(free).max(axis=0) > 1e-9).tolist() == [not fixed for fixed in mask]
    assert np.linalg.matrix_rank(free) == 3 - sum(mask)


def test_directions_that_no_edges_span_are_refused(make_job, structure, tmp_path):
    atoms = structure("slab")
    atoms.set_constraint(FixCartesian([2], (True, False, False)))
    with pytest.raises(UserError, match=r"fixed along x, which the flags of a POSCAR cannot say in the cell"):
        write_folder(make_job("vasp", "slab", "relax"), atoms, tmp_path)
