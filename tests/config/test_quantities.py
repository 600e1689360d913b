"""Every number that a file may hold has a range; what is out of it ends in one message with its key and line."""

import pytest

from iondrill.config.document import dump
from iondrill.config.load import load
from iondrill.config.models import Config
from iondrill.config.schema import Schema
from iondrill.errors import UserError
from iondrill.geometry.crystal import CrystalRecipe
from iondrill.geometry.recipes import Recipe
from iondrill.geometry.surfaces.facet import FileSites

THERMALISE = {"time_fs": 100, "time_constant_fs": 20}
RUN = {
    "steps": 10,
    "timestep_fs": 0.5,
    "temperature_K": 300,
    "launch_m_s": 5,
    "save_every": 5,
    "elf_frames": 2,
    "thermalise": THERMALISE,
}
MD = {
    "runs": {"r": {"assembly": "a", "seed": 3, "thermostat": {"time_constant_fs": 50}, **RUN}},
    "matrix": {"m": {"assemblies": {"x": "a"}, "seeds": [1], "thermostat": {"time_constant_fs": 50}, **RUN}},
    "events": {"opened_by_A": 1.0, "lasting_fs": 50.0},
    "verify": {
        "level": "c",
        "frames": 4,
        "piece_atoms": 60,
        "whole": 1,
        "vacuum_A": 8.0,
        "verdict": {"trusted_eV_A": 0.25, "refused_share": 0.5, "least_atoms": 10, "largest_grade": 2.0},
    },
}
DFT = {"max_scf_cycles": 100, "ranks": 2, "kpoints": [3, 3, 1]}
CP2K = {"cutoff_Ry": 400, "rel_cutoff_Ry": 50, "eps_scf": 1e-6, "smearing_K": 300, "trust_radius_A": 0.2}
VASP = {"encut_eV": 520, "ediff_eV": 1e-6, "ismear": 0, "sigma_eV": 0.05, "ncore": 2}
XTB = {"accuracy": 1.0, "electronic_temperature_K": 300, "max_scf_cycles": 100}
SWEEP = {
    "cutoff_Ry": [300],
    "rel_cutoff_Ry": [50],
    "encut_eV": [400],
    "accuracy": [0.1],
    "kpoints": [[2, 2, 1]],
    "vacuum_A": [12],
    "layers": [8],
}
STUDY = {
    "structure": "nd29",
    "level": "x",
    "sweep": SWEEP,
    "tolerance": {"energy_meV_atom": 1.0, "force_eV_A": 0.01, "E_ads_meV": 10},
}
PLACED = {"gap_A": 4.0, "place": {"Li": 1}, "piece_atoms": 40, "pieces": 3}
POTENTIAL = {
    "reference": "c",
    "explore": {
        "e": {
            "structure": "s",
            **PLACED,
            "steps": 10,
            "frames": 2,
            "seeds": [1],
            "temperatures_K": [300],
            "timestep_fs": 1,
            "launch_m_s": 5,
            "vacuum_A": 9,
            "rattle_A": 0.1,
            "strain": 0.02,
            "stretch": [0.9, 1.2],
            "lift_A": 1,
        }
    },
    "kpoint_length_A": 14,
    "learn_from": ["labels.extxyz"],
    "pretrain": {
        "teacher": {"epochs": 3, "batch": 2, "learning_rate": 0.001, "energy_weight": 10},
        "copies": 2,
        "rattle_A": 0.1,
        "epochs": 20,
        "rounds": 1,
        "reference_copies": 2,
    },
    "select": {"count": 5, "least_distance": 0.1},
    "fit": {
        "epochs": 10,
        "batch": 2,
        "learning_rate": 0.01,
        "energy_weight": 0.05,
        "neurons": 10,
        "n_max": 4,
        "basis_size": 4,
        "cutoff_A": 6,
        "angular_cutoff_A": 5,
        "seeds": [1],
    },
    "judge": {"hold_out": 0.25, "trusted_eV_A": 0.2, "doubtful_share": 0.5},
    "generations": 2,
    "runs": {
        "r": {
            "structure": "s",
            "kind": "k",
            **PLACED,
            "steps": 10,
            "frames": 2,
            "temperature_K": 300,
            "timestep_fs": 1,
            "launch_m_s": 5,
        }
    },
    "vacuum_A": 8,
}
CONFIG = {
    "seed": 1,
    "levels": {
        "x": {"engine": "xtb", **XTB},
        "c": {"engine": "cp2k", **DFT, **CP2K},
        "v": {"engine": "vasp", **DFT, **VASP},
    },
    "relax": {"fmax_eV_A": 0.05, "max_steps": 100},
    "md": MD,
    "elf": {"frames": 5, "spacing_A": 0.1, "margin_A": 2},
    "adsorption": {"n": [1], "fmax_eV_A": 0.05, "max_steps": 100, "look_around_A": [0.4]},
    "intercalation": {"level": "c", "kpoint_length_A": 25},
    "barriers": {"level": "x", "facets": ["f"], "images": 5, "fmax_eV_A": 0.05, "max_steps": 100},
    "interstitials": {"level": "x", "repeats": [2], "fmax_eV_A": 0.05, "max_steps": 100},
    "shells": {"level": "x", "fillings": [{"Li": 2}], "fmax_eV_A": 0.05, "max_steps": 100},
    "insertion": {"level": "x", "gaps_A": [3.7], "points": 5, "outside_A": 4},
    "free_energy": {
        "profiles": {
            "in": {
                "run": "r",
                "from_A": -3.0,
                "to_A": 3.0,
                "windows": 5,
                "stiffness_eV_A2": 1.0,
                "speed_A_ps": 2.0,
                "steps": 100,
                "settle_fs": 10.0,
                "save_every": 10,
                "seeds": [1],
            }
        }
    },
    "convergence": {"studies": {"s": STUDY}},
    "potential": POTENTIAL,
}
CLUSTER = {
    "kind": "cluster",
    "lattice_A": 3.6,
    "centre": [0.5, 0.25, 0.125],
    "radius_A": 4,
    "half_spaces": [{"family": [1, 1, 1], "distance_A": 3}],
    "charge": 0,
    "multiplicity": [1, 3],
    "expect_atoms": 29,
    "expect_coordination": {4: 5},
}
FLAKE = {
    "kind": "flake",
    "ring_order": 2,
    "layers": 2,
    "gap_A": 3.7,
    "cc_A": 1.42,
    "ch_A": 1.09,
    "ions": {"element": "Li", "count": 2},
    "charge": 0,
    "multiplicity": 1,
}
ASSEMBLY = {"kind": "assembly", "cluster": "c", "flake": "f", "tip": [1, 1, 1], "distance_A": 3, "multiplicity": 1}
FACET = {
    "kind": "facet",
    "lattice_A": 3.6,
    "c_A": 6.7,
    "miller": [0, 0, 1],
    "reconstruction": "2x1",
    "buckling_A": 0.1,
    "layers": 8,
    "fixed_layers": 2,
    "cell": [2, 2],
    "charge": 0,
    "multiplicity": 1,
    "vacuum_A": 17,
    "expect_bonds": [{"what": "dimer", "window_A": [1.3, 1.5], "per_cell": 0.5}],
    "expect_coordination": {3: 1.0},
    "sites": {"mine": [0.5, 0.25], "yours": {"x_A": 1, "y_A": 2}},
}
CRYSTAL = {"lattice": "hexagonal", "a_A": 2.5, "c_A": 6.7, "atoms": [{"element": "C", "at": [0.5, 0.25, 0.125]}]}
EXAMPLES = [
    (Config, CONFIG),
    (Recipe, CLUSTER),
    (Recipe, FLAKE),
    (Recipe, {**ASSEMBLY, "charge": 0, "box": {"vacuum_A": 15}}),
    (Recipe, {**ASSEMBLY, "box": {"edge_A": 40}}),
    (Recipe, FACET),
    (CrystalRecipe, CRYSTAL),
]
BAD = ["1e21", "-1e21", ".inf", "-.inf", ".nan", "1e400", "1" + 400 * "0", "-1" + 400 * "0", 5000 * "9", "true"]


def numbers(node, key=""):
    """Yield each number of a schema with the key that holds it."""
    if isinstance(node, dict):
        if node.get("type") in {"number", "integer"}:
            yield key, node
        for name, inner in node.get("properties", {}).items():
            yield from numbers(inner, name)
        for name, inner in node.items():
            if name == "$defs":
                for model in inner.values():
                    yield from numbers(model)
            elif name not in {"properties", "default"}:
                yield from numbers(inner, key)
    elif isinstance(node, list):
        for inner in node:
            yield from numbers(inner, key)


def leaves(content, at=()):
    """Yield the key path of each number."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for part, value in inner:
        if isinstance(value, int | float):
            yield (*at, part)
        yield from leaves(value, (*at, part))


def with_value(content, at, value):
    """Return content with another value at a key path."""
    if not at:
        return value
    parts = content.items() if isinstance(content, dict) else enumerate(content)
    changed = {part: with_value(one, at[1:], value) if part == at[0] else one for part, one in parts}
    return changed if isinstance(content, dict) else list(changed.values())


def key_of(at):
    """Return the last key on the way to a number, which lists have none of."""
    return next(part for part in reversed(at) if isinstance(part, str))


@pytest.mark.parametrize("model", [Config, Recipe, CrystalRecipe, FileSites], ids=str)
def test_every_number_has_a_least_and_a_largest_value(model):
    found = list(numbers(Schema(model).root))
    assert found
    for key, node in found:
        assert "minimum" in node, f"{key}: 1e-300 would do"
        assert {"maximum", "exclusiveMaximum"} & node.keys(), f"{key}: 1e21 would do"


@pytest.mark.parametrize("model", [Config, Recipe, CrystalRecipe])
def test_the_examples_hold_every_number(model):
    held = {part for one, content in EXAMPLES if one is model for at in leaves(content) for part in at}
    assert {key for key, _ in numbers(Schema(model).root)} <= held


@pytest.mark.parametrize(
    ("model", "content"), EXAMPLES, ids=lambda value: value.get("kind", "") if isinstance(value, dict) else ""
)
def test_what_is_out_of_range_ends_in_one_message(model, content, tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text(dump(content))
    load(model, path)
    least = {key: node["minimum"] for key, node in numbers(Schema(model).root)}
    for at in leaves(content):
        text = dump(with_value(content, at, "HERE"))
        line = 1 + text[: text.index("HERE")].count("\n")
        tiny = ["1e-300", "-1"] if least.get(key_of(at), -1) > 0 else []
        for value in [*BAD, *tiny]:
            path.write_text(text.replace("HERE", value))
            with pytest.raises(UserError) as caught:
                load(model, path)
            (problem,) = caught.value.problems
            assert problem.where == f"{path}: {'.'.join(map(str, at))} (line {line})", value
            assert problem.found.startswith("found ")
            assert problem.allowed.startswith("allowed: "), value


@pytest.mark.parametrize("key", ["-1", "21", "1e21", ".inf", "1" + 400 * "0"])
@pytest.mark.parametrize("content", [CLUSTER, FACET], ids=["cluster", "facet"])
def test_a_number_of_neighbours_is_a_number_of_neighbours(key, content, tmp_path):
    path = tmp_path / "some.yaml"
    text = dump({**content, "expect_coordination": {"HERE": 1}})
    path.write_text(text.replace("HERE", key))
    with pytest.raises(UserError) as caught:
        load(Recipe, path)
    (problem,) = caught.value.problems
    assert "expect_coordination" in problem.where
    assert "allowed: " in str(problem)
