"""Labels that are there already: what fits learn from, and what they must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from iondrill.config.models import Config
from iondrill.errors import UserError
from iondrill.potential.labels import read_described, read_labels
from iondrill.potential.plan import PotentialPlan
from iondrill.potential.sets import known_labels, own_run_labels

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms


def labelled(seed: int = 0, **info: str) -> Atoms:
    atoms = molecule("CH4", vacuum=4.0)
    atoms.rattle(0.05, seed=seed)
    random = np.random.default_rng(seed)
    atoms.calc = SinglePointCalculator(atoms, energy=-10.0 - seed, forces=random.normal(size=(5, 3)))
    atoms.info = dict(info)
    return atoms


def plan_with(*paths: Path, generations: int = 3) -> PotentialPlan:
    run = {"structure": "nd10", "kind": "own"}
    explore = {"a": {"structure": "nd10"}}
    stage = {"reference": "gfn2", "explore": explore, "generations": generations, "runs": {"own": run}}
    stage["learn_from"] = [str(path) for path in paths]
    return PotentialPlan(Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}}, "potential": stage}))


def test_labels_of_another_program_are_learned_as_they_are(tmp_path: Path) -> None:
    mine = tmp_path / "mine.extxyz"
    write(mine, [labelled(1), labelled(2)], format="extxyz")
    known = known_labels(plan_with(mine), [], 0)
    assert [one.get_potential_energy() for one in known] == [-11.0, -12.0]
    assert {(one.info["kind"], one.info["group"]) for one in known} == {("mine", "mine")}
    assert np.allclose(known[0].get_forces(), labelled(1).get_forces(), atol=1e-7)


def test_a_generation_does_not_learn_from_its_own_run_but_is_judged_on_it(tmp_path: Path) -> None:
    frames = [labelled(n, kind="k", group=f"generation-{n}-own-300K-s1") for n in (0, 1)]
    file = tmp_path / "labels.extxyz"
    write(file, [*frames, labelled(7, kind="k", group="explored")], format="extxyz")
    plan = plan_with(file)

    def learned(generation: int) -> list[str]:
        return [str(one.info["group"]) for one in known_labels(plan, [], generation)]

    assert learned(0) == ["explored"]
    assert learned(1) == ["generation-0-own-300K-s1", "explored"]
    assert learned(2) == ["generation-0-own-300K-s1", "generation-1-own-300K-s1", "explored"]
    # by the potential of generation 0, which had not seen them
    plan.added = lambda _: []  # type: ignore[method-assign]
    assert [str(one.info["group"]) for one in own_run_labels(plan, 1)] == ["generation-0-own-300K-s1"]


def test_a_label_of_other_settings_than_the_reference_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "labels.extxyz"
    write(file, [labelled(0, settings="accuracy=0.01")], format="extxyz")
    with pytest.raises(UserError, match=r"frame 0 was labelled at another level than potential\.reference \(gfn2\)"):
        known_labels(plan_with(file), [], 0)


@pytest.mark.parametrize("content", ["", "no xyz at all\n", "1\nProperties=species:S:1:pos:R:3\nC 0 0 0\n"])
def test_a_file_without_energies_and_forces_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "labels.extxyz"
    file.write_text(content)
    with pytest.raises(UserError, match=r"labels\.extxyz.*needed: extended XYZ"):
        read_labels(file)


def test_frames_of_another_program_get_what_they_do_not_say(tmp_path: Path) -> None:
    file = tmp_path / "more.extxyz"
    write(file, [molecule("CH4"), molecule("CH4")], format="extxyz")
    assert [(one.info["kind"], one.info["group"], one.info["step"]) for one in read_described(file)] == [
        ("more", "more", 0),
        ("more", "more", 1),
    ]
    file.write_text("no xyz at all\n")
    with pytest.raises(UserError, match=r"more\.extxyz.*needed: extended XYZ"):
        read_described(file)


def test_a_folder_stands_for_its_files_in_order(tmp_path: Path) -> None:
    for group, seed in (("b", 2), ("a", 1)):
        (tmp_path / "labels" / group).mkdir(parents=True)
        write(tmp_path / "labels" / group / "one.extxyz", [labelled(seed)], format="extxyz")
    (tmp_path / "labels" / "README.md").write_text("not a label\n")
    known = known_labels(plan_with(tmp_path / "labels"), [], 0)
    assert [one.get_potential_energy() for one in known] == [-11.0, -12.0]
    assert plan_with(tmp_path / "none").known == [(tmp_path / "none").as_posix()]


def test_a_start_that_is_no_potential_is_told(tmp_path: Path) -> None:
    stage = {"name": "x", "reference": "gfn2", "learn_from": ["labels"], "fit": {"start": str(tmp_path)}}
    plan = PotentialPlan(Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}}, "potential": stage}))
    with pytest.raises(UserError, match=r"potential\.fit\.start: there is no potential in"):
        _ = plan.start_files
