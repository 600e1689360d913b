"""Everything that is wrong in a configuration and its recipes is said in one go."""

import shutil
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bcc100, fcc100, molecule
from ase.io import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iondrill.config.document import Document, dump
from iondrill.config.load import load
from iondrill.config.project import read_config
from iondrill.errors import UserError
from iondrill.geometry import crystal, recipes
from iondrill.geometry.recipes import Recipe
from iondrill.geometry.registry import build
from iondrill.prepare.checks.configuration import check
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[3]
RECIPES = {
    "clusters/dot.yaml": {"kind": "cluster", "radius_A": 2.96, "expect_atoms": 29},
    "flakes/sheet.yaml": {"kind": "flake", "ring_order": 2},
    "facets/top.yaml": {"kind": "facet", "miller": [1, 0, 0], "layers": 4, "cell": [1, 1], "fixed_layers": 1},
    "assemblies/meet.yaml": {"kind": "assembly", "cluster": "dot", "flake": "sheet"},
}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A working directory with one recipe of each kind; nothing is shipped."""
    monkeypatch.chdir(tmp_path)
    for module in (recipes, crystal):
        monkeypatch.setattr(module, "SHIPPED", tmp_path / "nothing")
    for name, content in RECIPES.items():
        put(f"structures/{name}", content)
    return tmp_path


def put(name, content):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else dump(content), encoding="utf-8")


def config(**stages):
    put("config.yaml", {"levels": {"gfn2": {"engine": "xtb"}}} | stages)


def problems():
    with pytest.raises(UserError) as caught:
        check(Path("config.yaml"))
    return [str(problem) for problem in caught.value.problems]


def test_the_default_configuration_has_no_problems(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "structures", tmp_path / "structures")
    shutil.copy(ROOT / "config.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    summary = check(Path("config.yaml"))
    named = Document(Path("config.yaml")).content
    assert summary.structures > len({*named["relax"]["structures"], *named["adsorption"]["facets"]})
    assert summary.calculations > summary.structures


def test_structures_and_jobs_are_counted(house):
    runs = {"go": {"assembly": "meet", "steps": 10}}
    config(relax={"structures": ["dot"]}, md={"run": ["go"], "runs": runs}, elf={"frames": 2})
    summary = check(Path("config.yaml"))
    assert summary.structures == 3  # dot, sheet, meet
    assert summary.calculations == 2 + 1 + 2  # relaxations of dot and sheet, the run, two frames
    config(adsorption={"facets": ["top"], "ions": ["Li", "Na"]})
    fillings = Plan(read_config(Path("config.yaml"))).adsorption.fillings
    assert check(Path("config.yaml")) == (
        1,
        1 + 2 + len(fillings),
        0,
        0,
        {("gfn2", "adsorption"): ["C", "H", "Li", "Na"]},
    )


def test_what_other_targets_need_is_counted_apart(house):
    study = {"structure": "dot", "level": "gfn2", "sweep": {"accuracy": [0.1, 0.01]}}
    stages = {
        "levels": LEVELS,
        "adsorption": {"facets": ["top"], "ions": ["Li"], "sites": ["top"]},
        "inputs": {"adsorption": ["pbe"]},
        "convergence": {"studies": {"s": study}},
    }
    config(**stages)
    here = 1 + 1 + 1  # slab, atom, ion on the slab
    assert check(Path("config.yaml"))[1:4] == (here, 3, here)  # and the study's own value
    ways = {"level": "gfn2", "facets": ["top"], "ions": ["Na"], "paths": [["top", "top"]]}
    config(**stages, barriers=ways)
    assert check(Path("config.yaml"))[1:4] == (here, 3 + 1 + 1, here)  # the path, and its end; the slab is there
    config(**stages, barriers=ways | {"ions": ["Li"]})
    assert check(Path("config.yaml"))[1:4] == (here, 3 + 1, here)
    crystals(lithium=["Li"])
    config(**stages | {"convergence": {}}, intercalation={"level": "pbe", "crystals": ["lithium"]})
    points = Plan(read_config(Path("config.yaml"))).intercalation.jobs()
    assert points
    assert check(Path("config.yaml"))[1:4] == (here, len(points), here - 1)  # the atom is run for its metal


def test_the_mistakes_of_the_issue_all_at_once(house):
    write(house / "structures/clusters/clash.xyz", Atoms("C3", [[0, 0, 0], [0, 0, 0.4], [0, 0, 3]]))
    put(
        "config.yaml",
        """\
levels:
  gfn2: {engine: xtb, acuracy: 1}
relax:
  max_steps: many
  structures: [dot, dott, clash]
adsorption:
  facets: [top, C311]
  ions: [Li, Rb]
""",
    )
    *others, clash = problems()
    assert others == [
        "config.yaml: levels.gfn2.acuracy (line 2): unknown key 'acuracy'; did you mean 'accuracy'?",
        "config.yaml: relax.max_steps (line 4): found 'many'; allowed: a whole number ≥ 1 and ≤ 100000",
        "config.yaml: adsorption.ions.1 (line 8): found 'Rb'; allowed: 'Li', 'Na' or 'K'",
        "config.yaml: relax.structures.1 (line 5): there is no recipe 'dott'; did you mean 'dot'?",
        "config.yaml: adsorption.facets.1 (line 7): there is no recipe 'C311'; allowed: top",
    ]
    assert clash.startswith("structures/clusters/clash.xyz: C0 and C1")
    assert "0.400 Å apart" in clash


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            {"relax": {"structures": ["top"]}},
            "relax.structures.0 (line 6): recipe 'top' is of kind facet; allowed: a clu",
        ),
        (
            {"adsorption": {"facets": ["dot"]}},
            "adsorption.facets.0 (line 6): recipe 'dot' is of kind cluster; allowed: a f",
        ),
        (
            {"md": {"runs": {"a": {"assembly": "sheet", "steps": 1}}}},
            "md.runs.a.assembly (line 7): recipe 'sheet' is of kind flake; allowed: an assembly",
        ),
    ],
)
def test_each_kind_of_recipe_has_its_place(house, stages, expected):
    config(**stages)
    (found,) = problems()
    assert found.startswith(f"config.yaml: {expected}")


def test_parts_of_assemblies_are_checked(house):
    put("structures/assemblies/a.yaml", {"kind": "assembly", "cluster": "sheet", "flake": "shet"})
    put("structures/assemblies/b.yaml", {"kind": "assembly", "cluster": None, "flake": "sheet"})
    put("structures/assemblies/c.yaml", {"kind": "assembly", "cluster": "bad", "flake": "gone", "distance": -1})
    put("structures/clusters/bad.yaml", {"kind": "cluster", "expect_atoms": -1})
    config(md={"runs": {name: {"assembly": name, "steps": 1} for name in "abc"}})
    assert problems() == [
        "structures/assemblies/a.yaml: cluster (line 2): recipe 'sheet' is of kind flake; allowed: a cluster",
        "structures/assemblies/a.yaml: flake (line 3): there is no recipe 'shet'; did you mean 'sheet'?",
        "structures/assemblies/c.yaml: distance (line 4): unknown key 'distance'; did you mean 'distance_A'?",
        "structures/clusters/bad.yaml: expect_atoms (line 2): found -1; allowed: a whole number ≥ 1 and ≤ 100000",
        "structures/assemblies/c.yaml: flake (line 3): there is no recipe 'gone'; allowed: sheet",
    ]


def test_an_assembly_cannot_be_its_own_part(house):
    put("structures/assemblies/a.yaml", {"kind": "assembly", "cluster": "a", "flake": "a"})
    config(md={"runs": {"a": {"assembly": "a", "steps": 1}}})
    assert len(problems()) == 2
    assert all("recipe 'a' is of kind assembly" in problem for problem in problems())


@pytest.mark.parametrize(
    "content",
    [
        "kind: [",
        "",
        "kind: crystal",
        "- 1",
        "kind: cluster\nexpect_atoms: 29\nradius_A: 2",
        "kind: cluster\nkind: flake",
    ],
)
def test_a_broken_recipe_is_named_once(house, content):
    put("structures/clusters/dot.yaml", content)
    config(relax={"structures": ["dot", "meet", "dot"]}, md={"runs": {"a": {"assembly": "meet", "steps": 1}}})
    found = problems()
    assert len(found) == len(set(found))
    assert all(problem.startswith("structures/clusters/dot.yaml") for problem in found)


def test_any_file_of_ase_may_be_a_recipe(house):
    write(house / "structures/clusters/ch4.cif", molecule("CH4", vacuum=5.0))
    config(relax={"structures": ["ch4"]})
    assert check(Path("config.yaml"))[:2] == (1, 1)


@pytest.mark.parametrize("content", ["", "3\n\nC 0 0 0\n", "two\n", "1\n\nXx 0 0 0\n", "1\n\nC nan 0 0\n"])
def test_a_damaged_structure_file(house, content):
    put("structures/clusters/cut.xyz", content)
    config(relax={"structures": ["cut"]})
    assert all(problem.startswith("structures/clusters/cut.xyz") for problem in problems())


def test_two_recipes_of_one_name(house):
    put("structures/flakes/dot.yaml", RECIPES["flakes/sheet.yaml"])
    config(relax={"structures": ["dot"]})
    (found,) = problems()
    assert "there are 2 recipes 'dot'" in found


def test_a_folder_of_recipes_that_is_not_there(house):
    """Said once, however many recipes are named."""
    stages = {"relax": {"structures": ["dot"]}, "adsorption": {"facets": ["top"]}}
    config(structures="elsewhere", **stages, intercalation={"level": "pbe"}, levels=LEVELS)
    assert problems() == [
        "config.yaml: structures (line 14): there is no folder 'elsewhere'; allowed: the folder of the recipes"
    ]
    (house / "structures").rename(house / "elsewhere")
    config(**stages)
    assert [found.partition(" (line ")[0] + found.partition(")")[2].partition("; ")[0] for found in problems()] == [
        "config.yaml: relax.structures.0: there is no recipe 'dot'",
        "config.yaml: adsorption.facets.0: there is no recipe 'top'",
    ]
    config(structures="elsewhere", **stages)
    assert check(Path("config.yaml")).structures == 2


def test_what_cannot_be_read_is_said_once(house):
    stages = {"relax": {"structures": ["dot"]}, "barriers": {"level": "gfn2", "facets": ["top"]}}
    config(levels=3, **stages)
    assert problems() == ["config.yaml: levels (line 1): found 3; allowed: keys with values"]
    config(structures=3, **stages)
    assert problems() == ["config.yaml: structures (line 4): found 3; allowed: a folder"]


def test_sites_that_a_facet_does_not_have(house):
    config(adsorption={"facets": ["top"], "sites": ["nowhere"]})
    (found,) = problems()
    assert found.startswith("config.yaml: adsorption.sites (line ")
    assert "facet top has no site 'nowhere'" in found


def test_sites_of_facets_that_are_not_asked_for_wait(house):
    put("mine.yaml", {"adsorption": {"facets": ["top"]}})
    put("structures/facets/other.yaml", RECIPES["facets/top.yaml"])
    config(adsorption={"facets": ["other"], "sites": {"other": ["hollow-1"]}, "ions": ["Li"]})
    assert check(Path("config.yaml"), Path("mine.yaml")).calculations > 0
    config(adsorption={"facets": ["top"], "sites": {"othr": ["hollow-1"]}})
    (found,) = problems()
    assert found.startswith("config.yaml: adsorption.sites.othr (line ")
    assert "did you mean 'other'" in found


def test_a_density_difference_needs_a_nanodiamond(house):
    put("structures/assemblies/alone.yaml", {"kind": "assembly", "cluster": None, "flake": "sheet"})
    runs = {"go": {"assembly": "meet", "steps": 10}, "control": {"assembly": "alone", "steps": 10}}
    config(md={"run": ["go"], "runs": runs}, elf={"frames": 2, "difference": True})
    assert check(Path("config.yaml")).calculations == 2 + 1 + 2 * 3  # each frame, its nanodiamond, its flake
    config(md={"run": ["go", "control"], "runs": runs}, elf={"frames": 2, "difference": True})
    (found,) = problems()
    assert found.startswith("config.yaml: elf.difference (line ")
    assert "run 'control' (assembly alone) has no nanodiamond" in found
    config(md={"run": ["control"], "runs": runs}, elf={"frames": 0, "difference": True})
    check(Path("config.yaml"))


def recipe_with(name, **keys):
    put(f"structures/{name}", {**RECIPES[name], **keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"multiplicity": 2}, "multiplicity (line 4): found 2; allowed with 116 valence electrons: 1, 3, … 117"),
        ({"charge": 1, "multiplicity": [1, 2, 3]}, "multiplicity (line 5): found 1, 3; allowed with 115 valence "),
        ({"multiplicity": 119}, "multiplicity (line 4): found 119; allowed with 116 valence electrons: 1, 3, … 117"),
        ({"charge": 117}, "charge (line 4): found 117; allowed: at most 116"),
    ],
)
def test_a_multiplicity_must_fit_the_electrons(house, keys, expected):
    recipe_with("clusters/dot.yaml", **keys)
    config(relax={"structures": ["dot", "meet"]})
    (found,) = problems()
    assert found.startswith(f"structures/clusters/dot.yaml: {expected}")


def test_multiplicities_are_compared_where_spin_counts(house):
    recipe_with("clusters/dot.yaml", multiplicity=[1, 3])
    config(relax={"structures": ["dot"]})
    (found,) = problems()
    assert found.startswith("structures/clusters/dot.yaml: multiplicity (line 4): multiplicities are compared at level")
    config(levels={"gfn2": {"engine": "xtb", "spin_polarisation": True}}, relax={"structures": ["dot"]})
    assert check(Path("config.yaml"))[:2] == (1, 2)  # what is kept of the two is none


def test_charges_of_parts_must_add_up_for_a_density_difference(house):
    recipe_with("clusters/dot.yaml", charge=2)
    runs = {"go": {"assembly": "meet", "steps": 10}}
    config(md={"run": ["go"], "runs": runs}, elf={"frames": 1, "difference": True})
    (found,) = problems()
    assert "run 'go' (assembly meet) has the charge 0, its parts 2" in found
    recipe_with("assemblies/meet.yaml", charge=2)
    check(Path("config.yaml"))


LEVELS = {
    "gfn2": {"engine": "xtb"},
    "pbe": {"engine": "cp2k", "basis": "DZVP-GTH"},
    "vasp": {"engine": "vasp", "potcars": {"C": "C", "H": "H", "Na": "Na"}, "elf_spin_D0": "6pi2"},
}
RUN = {"go": {"assembly": "meet-salt", "steps": 1, "relax_parts": False}}
SLAB = {"facets": ["potassium"], "ions": ["Na"]}
FINEST = {"pbe": {"cutoff_Ry": [300]}, "vasp": {"encut_eV": [300]}, "gfn2": {"accuracy": [0.1]}}
USES = {
    "relaxation": lambda level: {"relax": {"structures": ["salt"], "level": level}},
    "maps": lambda level: {"md": {"run": ["go"], "runs": RUN}, "elf": {"level": level}},
    "adsorption": lambda level: {"adsorption": SLAB | {"level": level}},
    "one level of several": lambda level: {"adsorption": SLAB | {"level": [level, "gfn2"]}},
    "inputs of relaxations": lambda level: {"relax": {"structures": ["salt"]}, "inputs": {"relax": [level]}},
    "inputs of slabs": lambda level: {"adsorption": SLAB, "inputs": {"adsorption": [level]}},
    "inputs of a run": lambda level: {"md": {"runs": RUN}, "inputs": {"elf": [level], "runs": ["go"]}},
    "convergence": lambda level: {
        "convergence": {"studies": {"a": {"structure": "salt", "level": level, "sweep": FINEST[level]}}}
    },
}


def put_potassium(house):
    """Write a cluster, a slab and an assembly with potassium, which GFN2 knows and the other levels do not."""
    cluster = molecule("CH4")
    cluster.append("K")
    cluster.positions[-1] = [0.0, 0.0, 3.5]
    write(house / "structures/clusters/salt.xyz", cluster)
    assembly = RECIPES["assemblies/meet.yaml"] | {"cluster": "salt", "tip": "atom", "distance_A": 9.0}
    put("structures/assemblies/meet-salt.yaml", assembly)
    slab = bcc100("K", (1, 1, 3), vacuum=8.0, periodic=True)
    slab.info.clear()
    write(house / "structures/facets/potassium.extxyz", slab)


@pytest.mark.parametrize("stages", USES.values(), ids=USES)
def test_each_element_at_each_level_must_be_known_there(house, stages):
    """Whatever job brings them together, also one that only `inputs` or `convergence` makes."""
    put_potassium(house)
    for level, key, what in (("pbe", "basis", "DZVP-GTH basis set"), ("vasp", "potcars", "PAW dataset")):
        config(levels=LEVELS, **stages(level))
        (found,) = problems()
        assert found.startswith(f"config.yaml: levels.{level}.{key} (line ")
        assert f": no {what} for K, which job " in found
        assert f".{level} needs; allowed: " in found
    config(levels=LEVELS, **stages("gfn2"))
    check(Path("config.yaml"))


def test_dynamics_and_prerelaxations_count_too(house):
    put_potassium(house)
    config(levels=LEVELS, md={"level": "pbe", "run": ["go"], "runs": RUN}, elf={"frames": 0})
    (found,) = problems()
    assert "basis set for K, which job md/go.pbe needs" in found
    levels = LEVELS | {"fine": {"engine": "cp2k", "basis": "TZV2P-GTH"}}
    config(levels=levels, relax={"structures": ["salt"], "level": "fine", "prerelax": "pbe"})
    assert {problem.split()[1] for problem in problems()} == {"levels.fine.basis", "levels.pbe.basis"}


def test_a_calculator_of_ase_is_asked_where_its_elements_are_known(house):
    put_potassium(house)
    for calculator, known in (("EMT", True), ("MACE", False)):
        levels = LEVELS | {"any": {"engine": "ase", "calculator": calculator}}
        config(levels=levels, relax={"structures": ["salt"], "level": "any"})
        found = problems() if known else []
        assert all(
            "no parameters of EMT for K, which job relax/salt.any needs; allowed: H, C, N" in one for one in found
        )
        assert len(found) == known
        if not known:
            check(Path("config.yaml"))


def test_a_fitted_potential_is_asked_what_it_was_fitted_to(house):
    """Lithium was in its labels, potassium was not; before it is made it may have any."""
    put_potassium(house)
    own = {"engine": "ase", "calculator": "fitted", "arguments": {"potential": "results/potential/own"}}
    config(levels=LEVELS | {"own": own}, relax={"structures": ["salt"], "level": "own"})
    check(Path("config.yaml"))
    put("results/potential/own/nep.txt", "nep4_zbl 3 C H Li\nzbl 1 2\n")
    (found,) = problems()
    assert found.startswith("config.yaml: levels.own.calculator (line ")
    assert found.endswith(": no parameters of fitted for K, which job relax/salt.own needs; allowed: C, H, Li")


def test_an_element_that_no_level_knows(house):
    """Neither its valence electrons are known, nor a basis set; a PAW dataset alone does not make up for it."""
    slab = fcc100("Cu", (1, 1, 3), vacuum=8.0, periodic=True)
    slab.info.clear()
    write(house / "structures/facets/copper.extxyz", slab)
    levels = LEVELS | {"vasp": {"engine": "vasp", "potcars": {"Na": "Na", "Cu": "Cu"}}}
    config(levels=levels, adsorption=SLAB | {"facets": ["copper"]}, inputs={"adsorption": ["pbe", "vasp"]})
    first, *more = problems()
    assert first.startswith("config.yaml: levels.gfn2.engine (line ")
    assert "no valence electrons for Cu, which job adsorption/copper.clean.gfn2 needs; allowed: H, C, Li, " in first
    assert [problem.split()[1] for problem in more] == ["levels.pbe.basis", "levels.vasp.potcars"]
    assert all("for Cu, which job adsorption/copper." in problem for problem in more)
    assert more[1].endswith("allowed: Na")


def test_an_element_that_is_not_there_needs_nothing(house):
    """Neither carbon nor hydrogen in a slab without them; an ion that is asked for does."""
    silicon = {"kind": "facet", "element": "Si", "miller": [1, 0, 0], "layers": 4, "cell": [1, 1], "fixed_layers": 1}
    put("structures/facets/silicon.yaml", silicon)
    levels = LEVELS | {"vasp": {"engine": "vasp", "potcars": {"Si": "Si", "H": "H", "K": "K_sv"}}}
    stages = {"facets": ["silicon"], "ions": ["K"]}
    config(levels=levels, adsorption=stages, inputs={"adsorption": ["vasp"]})
    check(Path("config.yaml"))
    config(levels=levels, adsorption=stages | {"ions": ["K", "Na"]}, inputs={"adsorption": ["vasp"]})
    (found,) = problems()
    assert "no PAW dataset for Na, which job adsorption/atom.Na.vasp needs; allowed: H, K, Si; or an entry for" in found
    config(levels=levels, adsorption=stages, inputs={"adsorption": ["pbe"]})
    (found,) = problems()
    assert "levels.pbe.basis (line " in found
    assert "no DZVP-GTH basis set for K, which job adsorption/atom.K.pbe needs" in found


def crystals(**recipes):
    """Write recipes of cubic crystals, each with its elements."""
    for name, elements in recipes.items():
        atoms = [{"element": element, "at": [i / 2, i / 2, i / 2]} for i, element in enumerate(elements)]
        put(f"structures/crystals/{name}.yaml", {"lattice": "cubic", "a_A": 5.0, "atoms": atoms})


def test_crystals_that_are_not_there_are_named_one_by_one(house):
    crystals(lithium=["Li"])
    put("structures/crystals/broken.yaml", {"lattice": "cubic"})
    config(levels=LEVELS, intercalation={"level": "pbe", "crystals": ["lithium", "lithum", "broken", "Rb-bcc"]})
    assert problems() == [
        "config.yaml: intercalation.crystals.1 (line 18): there is no crystal 'lithum'; did you mean 'lithium'?",
        "structures/crystals/broken.yaml (line 1): key 'a_A' is missing",
        "structures/crystals/broken.yaml (line 1): key 'atoms' is missing",
        "config.yaml: intercalation.crystals.3 (line 20): there is no crystal 'Rb-bcc'; allowed: broken, lithium",
    ]
    config(levels=LEVELS, intercalation={"level": "pbe", "crystals": ["lithium"]})
    check(Path("config.yaml"))
    config(levels=LEVELS, intercalation={"level": "vasp", "crystals": ["lithium"]})
    (found,) = problems()
    assert "no PAW dataset for Li, which job intercalation/lithium.a" in found


def test_a_metal_to_be_computed_must_be_among_what_is_computed(house):
    crystals(lithium=["Li"], sodium=["Na", "Na"], carbide=["Na", "C"])
    stage = {"facets": ["top"], "ions": ["Li", "Na"], "metal": "computed"}

    def computed(crystals, level):
        config(levels=LEVELS, adsorption=stage | {"level": level}, intercalation={"level": "pbe", "crystals": crystals})

    computed(["lithium", "sodium"], level="gfn2")
    (found,) = problems()
    assert "adsorption.metal (line " in found
    assert "found 'computed', and intercalation is at level 'pbe', none of adsorption's; allowed: tabulated" in found
    for level in ("pbe", ["gfn2", "pbe"]):
        computed(["lithium", "sodium", "carbide"], level)
        check(Path("config.yaml"))
    computed(["lithium", "carbide"], level="pbe")
    (found,) = problems()
    assert found.startswith("config.yaml: adsorption.metal (line ")
    assert "among intercalation.crystals none of Na alone" in found


def test_ends_of_paths_that_a_facet_does_not_have(house):
    def between(paths):
        config(barriers={"level": "gfn2", "facets": ["top"], "ions": ["Li"], "paths": paths})

    between("all-neighbours")
    hop, *_ = Plan(read_config(Path("config.yaml"))).barriers.jobs()
    between([[hop.subject.site, hop.end], [hop.end, f"{hop.subject.site}x"]])
    (found,) = problems()
    assert found.startswith("config.yaml: barriers.paths.1.1 (line ")
    assert f"facet top has no site '{hop.subject.site}x'; did you mean '" in found
    between([[hop.subject.site, hop.end]])
    check(Path("config.yaml"))
    assert Plan(read_config(Path("config.yaml"))).barriers.jobs() == [hop]


@pytest.mark.parametrize("paths", ["all-neighbours", [["hollow", "hollow"]], [["hollow", "holow"]]])
def test_barriers_of_a_facet_of_two_sides_are_refused(house, paths):
    sheet = {"kind": "facet", "crystal": "graphite", "miller": [0, 0, 1], "layers": 1, "fixed_layers": 0}
    put("structures/facets/one.yaml", sheet)
    put("structures/facets/two.yaml", sheet | {"two_sided": True})
    write(house / "structures/facets/file.extxyz", build("two", house / "structures"))
    config(barriers={"level": "gfn2", "facets": ["one", "two", "file"], "ions": ["Li"], "paths": paths})
    two, file, *others = problems()
    assert two.startswith("config.yaml: barriers.facets.1 (line ")
    assert "facet two is two_sided: an ion on each side would hop; allowed: facets of one side" in two
    assert file.startswith("config.yaml: barriers.facets.2 (line ")
    assert "facet file is two_sided" in file
    assert len(others) == 3 * (paths == [["hollow", "holow"]])


def test_every_file_is_read_before_anything_is_said(house):
    put("one.yaml", "a: [")
    put("two.yaml", "a: 1\na: 2\n")
    with pytest.raises(UserError) as caught:
        check(Path("one.yaml"), Path("two.yaml"), Path("three.yaml"))
    assert len(caught.value.problems) == 3


SHIPPED = [Document(path).content for path in sorted((ROOT / "structures").rglob("*.yaml"))]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["Li", "atom", "full", "x", "[key]"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["vacuum_A", "edge_A", "family", "distance_A", "element", "x", 2]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SHIPPED), st.data())
def test_whatever_a_recipe_holds_it_is_valid_or_refused_in_words(tmp_path, content, data):
    keys = st.sampled_from([*content, "layers", "tip", "box", "cell", "centre", "half_spaces", "ions", "oops"])
    path = tmp_path / "recipe.yaml"
    path.write_text(dump(content | data.draw(st.dictionaries(keys, plain, min_size=1, max_size=3))), encoding="utf-8")
    try:
        load(Recipe, path)
    except UserError as error:
        for problem in error.problems:
            assert len(str(problem).splitlines()) == 1
            assert problem.where.startswith(str(path))
            assert " (line " in problem.where
