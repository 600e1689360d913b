"""CP2K inputs: what is asked for is in them, by two grammars, and the physics is right."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from ase.constraints import FixAtoms, FixCartesian, FixedPlane
from ase.units import Bohr, Hartree, fs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iondrill.config.models import Thermostat
from iondrill.engines.cp2k import grammar
from iondrill.engines.cp2k.inputs import ATOMIC_TIME, charge_schemes, render_input
from iondrill.engines.cp2k.validate import differences
from iondrill.engines.embedded.velocities import start_velocities
from iondrill.engines.registry import engine, write_folder
from iondrill.errors import UserError
from iondrill.geometry.constraints import moving_atoms
from iondrill.jobs.job import Md

CASES = [
    (task, kind, ion)
    for task, kind, ion in product(
        ("relax", "static", "wavefunction", "cubes", "md"), ("cluster", "slab", "atom"), ("Li", "Na", "K")
    )
    if kind != "slab" or task not in {"wavefunction", "cubes"}
]


def md(**changes) -> Md:
    given = {"steps": 30, "timestep_fs": 0.5, "temperature_K": 300, "save_every": 1, "seed": 3, "launch_m_s": 0}
    return Md.model_validate({"thermostat": Thermostat(), **given, **changes})


def parsed(job, atoms):
    reading = grammar.bundled().read(render_input(job, atoms), "job.inp")
    assert reading.problems == []
    return reading.tree


def parts(tree):
    (force_eval,) = tree["+force_eval"]
    return force_eval["+dft"], force_eval["+subsys"]


@pytest.mark.parametrize(("task", "kind", "ion"), CASES)
def test_every_job_obeys_the_grammar_and_holds_its_structure(task, kind, ion, make_job, structure):
    job, atoms = make_job("cp2k", kind, task), structure(kind, ion)
    tree = parsed(job, atoms)
    assert list(differences(tree, job, atoms)) == []
    assert len(parts(tree)[1]["+coord"]["*"]) == len(atoms)


@pytest.mark.cp2k
@pytest.mark.parametrize(("task", "kind", "ion"), CASES)
def test_every_job_obeys_the_grammar_of_the_program(task, kind, ion, make_job, structure):
    rules = grammar.of_command(["cp2k.psmp"])
    assert rules.version.startswith("CP2K version")
    job = make_job("cp2k", kind, task, level={"dipole_correction": True})
    assert rules.read(render_input(job, structure(kind, ion)), "job.inp").problems == []


def test_clusters_are_non_periodic_in_both_places_and_cubic(make_job, structure):
    dft, subsys = parts(parsed(make_job("cp2k", "cluster", "static"), structure("cluster")))
    assert dft["+poisson"] == {"periodic": "none", "poisson_solver": "wavelet"}
    assert subsys["+cell"]["periodic"] == "none"
    cell = np.array([subsys["+cell"][axis] for axis in "abc"])
    assert np.array_equal(cell, cell[0, 0] * np.eye(3))
    assert "+kpoints" not in dft
    positions = np.array([line.split()[1:] for line in subsys["+coord"]["*"]], dtype=float)
    assert np.allclose(positions.min(axis=0) + positions.max(axis=0), cell[0, 0])
    assert "+ot" in dft["+scf"]
    assert "+smear" not in dft["+scf"]


@pytest.mark.parametrize("ion", ["Li", "Na", "K"])
def test_atoms_are_polarised_and_alone_in_a_box_of_three_edges(ion, make_job, structure):
    dft, subsys = parts(parsed(make_job("cp2k", "atom", "static"), structure("atom", ion)))
    assert dft["uks"] is True
    assert dft["multiplicity"] == 2
    assert dft["+poisson"] == {"periodic": "xyz", "poisson_solver": "periodic"}
    cell = np.array([subsys["+cell"][axis] for axis in "abc"])
    assert len(set(np.diag(cell))) == 3
    assert cell.diagonal().min() >= 12
    assert "+kpoints" not in dft


@pytest.mark.parametrize(("kind", "source"), [("slab", "slab"), ("crystal", "slab")])
def test_slabs_and_crystals_are_periodic_with_k_points_and_smearing(kind, source, make_job, structure):
    job = make_job("cp2k", kind, "relax", level={"kpoints": (4, 2, 1), "smearing_K": 500})
    dft, subsys = parts(parsed(job, structure(source)))
    assert dft["+poisson"]["periodic"] == subsys["+cell"]["periodic"] == "xyz"
    assert dft["+kpoints"]["scheme"] == ("MONKHORST-PACK", "4", "2", "1")
    assert dft["+kpoints"]["full_grid"] is dft["+kpoints"]["symmetry"] is False
    assert dft["+scf"]["+smear"]["electronic_temperature"] == 500
    assert dft["+scf"]["+smear"]["method"] == "fermi_dirac"
    assert dft["+scf"]["+mixing"]["method"] == "broyden_mixing"
    assert "+ot" not in dft["+scf"]
    # the coarsest grid holds the widest pair of Gaussians: carbon's 0.1 bohr⁻² twice, at REL_CUTOFF
    grids, factor = dft["+mgrid"]["ngrids"], dft["+mgrid"]["progression_factor"]
    assert job.level.cutoff_Ry / factor ** (grids - 1) < job.level.rel_cutoff_Ry * 0.3 < job.level.cutoff_Ry


def test_a_dipole_correction_is_of_slabs_alone(make_job, structure):
    for kind in ("slab", "cluster"):
        for wanted in (False, True):
            job = make_job("cp2k", kind, "static", level={"dipole_correction": wanted})
            dft, _ = parts(parsed(job, structure(kind)))
            assert dft.get("surface_dipole_correction", False) is (wanted and kind == "slab")
            assert ("surf_dip_dir" in dft) is (wanted and kind == "slab")


@pytest.mark.parametrize(
    ("ion", "task", "cutoff_Ry", "advised"),
    [("Na", "md", 350, True), ("Na", "md", 600, False), ("Li", "md", 350, False), ("Na", "relax", 350, False)],
)
def test_a_low_cutoff_is_remarked(*, ion, task, cutoff_Ry, advised, make_job, structure):
    text = render_input(make_job("cp2k", "cluster", task, level={"cutoff_Ry": cutoff_Ry}), structure("cluster", ion))
    assert ("# advice: Na wants 600 or more" in text) is advised


@pytest.mark.parametrize(
    ("ion", "task", "elements", "expected"),
    [
        ("Na", "relax", None, {"Na"}),
        ("Na", "static", None, {"Na"}),
        ("Na", "wavefunction", None, set()),
        ("Na", "md", None, set()),
        ("Li", "relax", None, set()),
        ("Li", "relax", ["Li", "Na"], {"Li"}),
        ("Na", "relax", [], set()),
    ],
)
def test_elements_of_steep_density_have_a_grid_of_their_own(*, ion, task, elements, expected, make_job, structure):
    level = {} if elements is None else {"gapw": elements}
    dft, subsys = parts(parsed(make_job("cp2k", "cluster", task, level=level), structure("cluster", ion)))
    assert dft["+qs"].get("method", "gpw") == ("gapw" if expected else "gpw")
    on_grid = {kind["_"] for kind in subsys["+kind"] if kind.get("gpw_type", False)}
    assert on_grid == ({"C", "H", ion} - expected if expected else set())


@pytest.mark.parametrize(
    ("task", "kind", "ion", "gapw", "printed"),
    [
        ("relax", "slab", "Li", ["Na"], {"hirshfeld"}),
        ("relax", "slab", "Na", ["Na"], set()),  # what is on Na's own grid is not in its charge
        ("relax", "slab", "Na", [], {"hirshfeld"}),
        ("relax", "cluster", "Li", ["Na"], set()),
        ("static", "slab", "Li", ["Na"], set()),
        ("wavefunction", "cluster", "Na", ["Na"], {"hirshfeld", "mulliken"}),
    ],
)
def test_charges_are_printed_where_they_are_whole(*, task, kind, ion, gapw, printed, make_job, structure):
    job, atoms = make_job("cp2k", kind, task, level={"gapw": gapw}), structure(kind, ion)
    prints = parts(parsed(job, atoms))[0].get("+print", {})
    assert {name for name in ("hirshfeld", "mulliken") if f"+{name}" in prints} == printed
    assert {scheme.lower() for scheme in charge_schemes(job, atoms)} == printed
    if "hirshfeld" in printed:
        assert prints["+hirshfeld"]["shape_function"] == "density"


@pytest.mark.parametrize(
    ("kind", "charge", "multiplicity", "unpaired"),
    [
        ("cluster", 0, None, 1),  # C2H2Li: 4+4+1+1+3 valence electrons
        ("cluster", 1, None, 0),
        ("cluster", 0, 4, 3),
        ("atom", 0, None, 1),
        ("atom", 1, None, 0),
    ],
)
def test_odd_electrons_are_spin_polarised(*, kind, charge, multiplicity, unpaired, make_job, structure):
    job = make_job("cp2k", kind, "static", charge=charge, multiplicity=multiplicity)
    dft, _ = parts(parsed(job, structure(kind)))
    assert (dft["uks"], dft["multiplicity"], dft["charge"]) == (bool(unpaired), unpaired + 1, charge)


@pytest.mark.parametrize(
    ("kind", "multiplicity", "polarised"), [("slab", None, False), ("slab", 2, True), ("atom", None, True)]
)
def test_restricted_slabs_are_those_whose_multiplicity_nobody_gave(kind, multiplicity, polarised, make_job, structure):
    for restricted in (False, True):
        job = make_job("cp2k", kind, "static", level={"restricted_slabs": restricted}, multiplicity=multiplicity)
        dft, _ = parts(parsed(job, structure(kind)))
        assert dft["uks"] is (polarised or not restricted)


def test_multiplicity_of_the_wrong_parity_is_refused(make_job, structure):
    with pytest.raises(UserError, match="multiplicity 3 does not fit 13 electrons"):
        render_input(make_job("cp2k", "cluster", "static", multiplicity=3), structure("cluster"))


@pytest.mark.parametrize(("ion", "electrons"), [("Li", 3), ("Na", 9), ("K", 9)])
def test_basis_and_semicore_potentials(ion, electrons, make_job, structure):
    dft, subsys = parts(parsed(make_job("cp2k", "cluster", "static"), structure("cluster", ion)))
    assert {kind["_"]: kind["potential"] for kind in subsys["+kind"]} == {
        "C": "GTH-PBE-q4",
        "H": "GTH-PBE-q1",
        ion: f"GTH-PBE-q{electrons}",
    }
    assert {str(np.squeeze(kind["basis_set"])) for kind in subsys["+kind"]} == {"DZVP-MOLOPT-SR-GTH"}
    assert dft["basis_set_file_name"] == ["BASIS_MOLOPT"]
    assert dft["potential_file_name"] == "GTH_POTENTIALS"


@pytest.mark.parametrize(("basis", "symbol"), [("DZVP-GTH", "K"), ("DZVP-MOLOPT-SR-GTH", "Fe")])
def test_an_element_without_parameters_is_refused_by_level_and_name(basis, symbol, make_job, structure):
    with pytest.raises(UserError, match=rf"level 'dft': no {basis} basis set for {symbol}; allowed: H, C"):
        render_input(make_job("cp2k", "atom", "static", level={"basis": basis}), structure("atom", symbol))


@pytest.mark.parametrize(("name", "kind"), [("D3(BJ)", "dftd3(bj)"), ("D3(0)", "dftd3"), ("none", None)])
def test_dispersion(name, kind, make_job, structure):
    dft, _ = parts(parsed(make_job("cp2k", "cluster", "static", level={"dispersion": name}), structure("cluster")))
    if kind is None:
        assert "+vdw_potential" not in dft["+xc"]
        return
    (pair,) = np.atleast_1d(dft["+xc"]["+vdw_potential"]["+pair_potential"])
    assert pair["type"] == kind
    assert pair["parameter_file_name"] == "dftd3.dat"
    assert pair["reference_functional"] == "PBE"
    assert pair["r_cutoff"] == 25


@pytest.mark.parametrize(("kind", "carried"), [("slab", "use_guess"), ("crystal", "use_guess"), ("cluster", None)])
def test_with_k_points_the_density_is_carried_from_geometry_to_geometry(kind, carried, make_job, structure):
    source = "slab" if kind == "crystal" else kind
    dft, _ = parts(parsed(make_job("cp2k", kind, "relax"), structure(source)))
    assert dft["+qs"].get("extrapolation") == carried


def test_relaxation_carries_its_force_per_component(make_job, structure):
    atoms = structure("slab")
    motion = parsed(make_job("cp2k", "slab", "relax"), atoms)["+motion"]
    # three components at the threshold make a force of fmax
    assert np.sqrt(3) * motion["+geo_opt"]["max_force"] * Hartree / Bohr == pytest.approx(0.03, rel=1e-5)
    assert motion["+geo_opt"]["max_iter"] == 77
    assert motion["+geo_opt"]["optimizer"] == "bfgs"
    assert motion["+constraint"]["+fixed_atoms"][0]["list"] == [1]  # counted from 1


def test_atoms_fixed_along_axes_are_listed_by_these(make_job, structure, tmp_path):
    atoms = structure("slab")
    atoms.set_constraint([FixAtoms([0]), FixCartesian([1, 3], (True, True, False)), FixedPlane([2], (0, 0, 1))])
    fixed = parsed(make_job("cp2k", "slab", "relax"), atoms)["+motion"]["+constraint"]["+fixed_atoms"]
    assert [(one["components_to_fix"], one["list"]) for one in fixed] == [("xyz", [1]), ("z", [3]), ("xy", [(2, 4)])]
    job = make_job("cp2k", "slab", "relax")
    write_folder(job, atoms, tmp_path)
    path = tmp_path / "job.inp"
    path.write_text(path.read_text().replace("COMPONENTS_TO_FIX XY\n", "COMPONENTS_TO_FIX X\n"))
    with pytest.raises(UserError, match="FIXED_ATOMS holds 1 along XYZ, 1 along Z, 2 along X; allowed: those that"):
        engine("cp2k").validate_inputs(tmp_path)


def test_large_structures_use_lbfgs(make_job, structure):
    atoms = structure("slab").repeat((9, 9, 1))
    assert parsed(make_job("cp2k", "slab", "relax"), atoms)["+motion"]["+geo_opt"]["optimizer"] == "lbfgs"


@pytest.mark.parametrize("kind", ["csvr", "nose", "none"])
def test_molecular_dynamics(kind, make_job, structure):
    task = md(thermostat=Thermostat(kind=kind, time_constant_fs=60), save_every=5)
    tree = parsed(make_job("cp2k", "cluster", task), structure("cluster"))
    found = tree["+motion"]["+md"]
    assert found["ensemble"] == ("nve" if kind == "none" else "nvt")
    assert (found["steps"], found["timestep"], found["temperature"]) == (30, 0.5, 300)
    assert tree["+global"]["seed"] == 3
    assert parts(tree)[0]["+qs"]["extrapolation"] == "aspc"
    if kind == "none":
        assert "+thermostat" not in found
    else:
        assert found["+thermostat"]["type"] == kind
        assert found["+thermostat"]["region"] == "global"
        assert found["+thermostat"][f"+{kind}"]["timecon"] == 60
    (printed,) = np.atleast_1d(tree["+motion"]["+print"])
    assert printed["+trajectory"]["+each"]["md"] == 5
    assert printed["+restart_history"]["_"].lower() == "off"


def test_a_nanodiamond_cannot_be_left_out_of_a_thermostat(make_job, structure):
    task = md(thermostat=Thermostat(group="flake"), launch_m_s=500)
    with pytest.raises(UserError, match="cannot leave the nanodiamond without a thermostat"):
        render_input(make_job("cp2k", "cluster", task), structure("cluster"))
    free = md(thermostat=Thermostat(kind="none", group="flake"), launch_m_s=500)
    assert parsed(make_job("cp2k", "cluster", free), structure("cluster"))["+motion"]["+md"]["ensemble"] == "nve"


def test_the_launch_moves_the_nanodiamond_as_a_whole(make_job, structure):
    task, atoms = md(launch_m_s=800), structure("cluster")
    _, subsys = parts(parsed(make_job("cp2k", "cluster", task), atoms))
    velocities = np.array(subsys["+velocity"]["*"]) * Bohr / ATOMIC_TIME
    assert np.allclose(velocities, start_velocities(task, atoms), rtol=1e-9)
    nd = atoms.arrays["fragment"] == "nd"
    masses = atoms.get_masses()
    centre = masses[nd] @ velocities[nd] / masses[nd].sum()
    assert centre * fs * 1e5 == pytest.approx([800, 0, 0], abs=1e-4)  # Å/fs = 1e5 m/s
    assert not velocities[~moving_atoms(atoms)].any()
    assert velocities[2].any()


def test_without_a_launch_cp2k_draws_the_velocities(make_job, structure):
    assert "+velocity" not in parts(parsed(make_job("cp2k", "cluster", "md"), structure("cluster")))[1]


def test_orbitals_for_the_elf(make_job, structure):
    dft, _ = parts(parsed(make_job("cp2k", "cluster", "wavefunction"), structure("cluster")))
    assert dft["+print"]["+mo_molden"]["ndigits"] == 9
    assert dft["+print"]["+hirshfeld"]["shape_function"] == "density"
    assert "+mulliken" in dft["+print"]
    assert not {"+elf_cube", "+e_density_cube"} & dft["+print"].keys()
    dft, _ = parts(parsed(make_job("cp2k", "cluster", "cubes"), structure("cluster")))
    assert dft["+print"]["+elf_cube"]["stride"] == dft["+print"]["+e_density_cube"]["stride"] == (1, 1, 1)
    with pytest.raises(UserError, match="no orbitals with k-points"):
        render_input(make_job("cp2k", "slab", "wavefunction"), structure("slab"))


def test_wall_time_only_when_asked_for(make_job, structure):
    job, atoms = make_job("cp2k", "cluster", "md"), structure("cluster")
    assert "WALLTIME" not in render_input(job, atoms)
    tree = grammar.bundled().read(render_input(job, atoms, walltime_s=3500), "job.inp").tree
    assert tree["+global"]["walltime"] == "3500"


def test_martyna_tuckerman_gets_twice_the_charge(make_job, structure):
    atoms = structure("cluster")
    atoms.positions *= 4
    dft, subsys = parts(parsed(make_job("cp2k", "cluster", "static", level={"poisson": "MT"}), atoms))
    assert dft["+poisson"]["poisson_solver"] == "mt"
    assert subsys["+cell"]["a"][0] >= 2 * np.ptp(atoms.positions, axis=0).max()


def test_a_periodic_box_is_as_flat_as_its_piece(make_job, structure):
    atoms = structure("cluster")
    atoms.positions *= [4, 2, 1]
    atoms.set_cell(np.ptp(atoms.positions, axis=0) + 7)
    dft, subsys = parts(parsed(make_job("cp2k", "cluster", "static", level={"poisson": "PERIODIC"}), atoms))
    assert dft["+poisson"] == {"periodic": "xyz", "poisson_solver": "periodic"}
    assert subsys["+cell"]["periodic"] == "xyz"
    assert np.diag([subsys["+cell"][axis] for axis in "abc"]) == pytest.approx(atoms.cell.lengths())
    assert "+kpoints" not in dft


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cutoff=st.floats(100, 2000),
    rel_cutoff=st.floats(20, 200),
    eps=st.floats(1e-9, 1e-3),
    cycles=st.integers(1, 2000),
    kpoints=st.tuples(*[st.integers(1, 12)] * 3),
    kind=st.sampled_from(["cluster", "slab"]),
)
def test_the_numbers_of_any_level_come_back(*, cutoff, rel_cutoff, eps, cycles, kpoints, kind, make_job, structure):
    level = {
        "cutoff_Ry": cutoff,
        "rel_cutoff_Ry": rel_cutoff,
        "eps_scf": eps,
        "max_scf_cycles": cycles,
        "kpoints": kpoints,
    }
    dft, _ = parts(parsed(make_job("cp2k", kind, "static", level=level), structure(kind)))
    assert dft["+mgrid"]["cutoff"] == cutoff
    assert dft["+mgrid"]["rel_cutoff"] == rel_cutoff
    assert dft["+scf"]["eps_scf"] == eps
    assert dft["+qs"]["eps_default"] <= max(eps**2 * 1.06, 1e-18)
    if kind == "slab":
        assert dft["+scf"]["max_scf"] == min(cycles, 60), "what the first entry of the ladder may take, or less"
        assert [int(n) for n in dft["+kpoints"]["scheme"][1:]] == list(kpoints)
    else:
        total = dft["+scf"]["max_scf"] * dft["+scf"]["+outer_scf"]["max_scf"]
        assert cycles <= total < cycles + dft["+scf"]["max_scf"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.integers(1, 10**6),
    timestep=st.floats(0.01, 5),
    temperature=st.floats(1, 3000),
    tau=st.floats(1, 1e4),
    seed=st.integers(0, 2**31 - 1),
    launch=st.floats(0, 1000),
)
def test_the_numbers_of_any_run_come_back(*, steps, timestep, temperature, tau, seed, launch, make_job, structure):
    task = md(
        steps=steps,
        timestep_fs=timestep,
        temperature_K=temperature,
        thermostat=Thermostat(time_constant_fs=tau),
        seed=seed,
        launch_m_s=launch,
    )
    found = parsed(make_job("cp2k", "cluster", task), structure("cluster"))["+motion"]["+md"]
    assert (found["steps"], found["timestep"], found["temperature"]) == (steps, timestep, temperature)
    assert found["+thermostat"]["+csvr"]["timecon"] == tau
