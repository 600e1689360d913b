"""Labels are made once, and made again only where frame or settings are others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule

from iondrill.config.levels import Cp2kLevel, XtbLevel
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.errors import UserError
from iondrill.geometry.labels import set_fragment
from iondrill.potential.labels import Store, agrees, digest_of, label, read_label

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

GFN2 = XtbLevel(engine="xtb")


def frame() -> Atoms:
    atoms = molecule("C2H4", vacuum=4.0)
    set_fragment(atoms, "lower")
    atoms.positions += np.random.default_rng(2).normal(scale=0.05, size=atoms.positions.shape)
    atoms.info = {"kind": "flake", "group": "ethene-300K-s1", "step": 20}
    return atoms


def test_a_label_has_the_energy_and_the_forces_of_its_level(tmp_path: Path) -> None:
    path, result = label(frame(), "gfn2", GFN2, Store(tmp_path / "labels"), tmp_path / "work")
    assert result is not None
    found = read_label(path)
    atoms = frame()
    atoms.calc = XtbCalculator(GFN2)
    assert found.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    assert np.allclose(found.get_forces(), atoms.get_forces(), atol=1e-5)
    assert found.info["group"] == "ethene-300K-s1"
    assert found.arrays["fragment"].tolist() == ["lower"] * 6


def test_a_label_is_not_made_twice_and_another_setting_makes_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels")
    first, _ = label(frame(), "gfn2", GFN2, store, tmp_path / "work")
    stamp = first.stat().st_mtime_ns
    again, result = label(frame(), "another-name", GFN2, store, tmp_path / "work")
    assert (again, result) == (first, None)
    assert first.stat().st_mtime_ns == stamp
    sharper, result = label(frame(), "gfn2", XtbLevel(engine="xtb", accuracy=0.1), store, tmp_path / "work")
    assert result is not None
    assert sharper != first
    assert len(store.labels()) == 2
    assert sum(agrees(one, GFN2) for one in store.labels()) == 1


def test_the_digest_knows_the_frame_and_the_settings_and_not_how_a_program_is_started() -> None:
    level, atoms = Cp2kLevel(engine="cp2k", cutoff_Ry=250), frame()
    digest = digest_of(level, atoms)
    assert digest_of(Cp2kLevel(engine="cp2k", cutoff_Ry=250, ranks=8, launcher=["srun"]), atoms) == digest
    assert digest_of(Cp2kLevel(engine="cp2k", cutoff_Ry=300), atoms) != digest
    assert digest_of(level, atoms, charge=1) != digest
    moved = atoms.copy()
    moved.positions[0, 0] += 1e-4
    assert digest_of(level, moved) != digest
    # what is written is what is read
    atoms.positions += 1e-11
    assert digest_of(level, atoms) == digest


def test_a_label_of_which_a_default_was_another_does_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels")
    path, _ = label(frame(), "gfn2", GFN2, store, tmp_path / "work")
    old = read_label(path)
    assert agrees(old, GFN2)
    old.info["settings"] = old.info["settings"].replace("max_scf_cycles=250", "max_scf_cycles=100")
    assert not agrees(old, GFN2)
    old.info["settings"] += '; of_another_time="yes"'
    assert not agrees(old, GFN2)


def test_a_damaged_label_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels")
    path, _ = label(frame(), "gfn2", GFN2, store, tmp_path / "work")
    path.write_text("\n".join(path.read_text().splitlines()[:4]))
    with pytest.raises(UserError, match="cannot be read"):
        read_label(path)


def test_a_label_that_does_not_converge_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels")
    path, result = label(frame(), "gfn2", XtbLevel(engine="xtb", max_scf_cycles=1), store, tmp_path / "work")
    assert path is None
    assert result.status == "not_converged"
    assert store.files() == []
