"""The network that makes the cheap labels: it learns, resumes where it was killed, and its energies have a slope."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from iondrill.config.potential import FitSettings, Teacher
from iondrill.errors import UserError
from iondrill.files import INSTALL
from iondrill.potential.fit import forget_unless, trainer
from iondrill.potential.labels import Store
from iondrill.potential.teach_sevennet import CHECKPOINT, ELEMENTS, NETWORK
from iondrill.potential.teacher import errors_of, taught, teach

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

pytestmark = pytest.mark.torchnep
FIT = FitSettings()
TWICE = Teacher(epochs=2, batch=1)


def hydrocarbons() -> list[Atoms]:
    """Return the labels of adamantanes that are shipped: PBE-D3."""
    store = Store(INSTALL / "structures" / "potentials" / "drill" / "labels")
    return [one for one in store.labels() if str(one.info["group"]).startswith("adamantane")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teach(hydrocarbons()[:3], TWICE, FIT, tmp_path_factory.mktemp("teacher"), 1)


def test_what_it_has_learned_holds_for_a_trajectory_that_it_has_not_seen(folder: Path) -> None:
    everything = errors_of(hydrocarbons()[3:], folder, FIT)["all"]
    assert everything["force_rmse_eV_A"] < 0.2 * everything["force_rms_eV_A"]
    # the energies of the elements are those of the reference: atoms of CP2K's pseudopotentials
    assert everything["energy_error_eV_atom"] < 0.05


def test_its_forces_are_the_slope_of_its_energy_and_overlaps_are_no_lesson(folder: Path) -> None:
    atoms, step_A = hydrocarbons()[0], 0.01
    moved = []
    for sign in (0, 1, -1):
        copy = atoms.copy()
        copy.positions[3, 1] += sign * step_A
        moved.append(copy)
    overlapping = atoms.copy()
    overlapping.positions *= 0.5
    here, forward, backward = taught([overlapping, *moved], folder, FIT)
    slope = (forward.get_potential_energy() - backward.get_potential_energy()) / (2 * step_A)
    assert here.get_forces()[3, 1] == pytest.approx(-slope, abs=0.01)


def test_a_killed_training_ends_with_the_same_weights(folder: Path, tmp_path: Path) -> None:
    for name in ("train.xyz", "settings.json", "trained-on.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    program = INSTALL / "workflow/iondrill/potential/teach_sevennet.py"
    killed = subprocess.Popen([trainer(FIT), "-I", str(program), str(tmp_path)], stdout=subprocess.DEVNULL)
    while not (tmp_path / CHECKPOINT).is_file():
        assert killed.poll() is None, "ended before it could be killed"
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert not (tmp_path / NETWORK).is_file()
    teach(hydrocarbons()[:3], TWICE, FIT, tmp_path, 1)
    assert "epoch 1:" not in (tmp_path / "training.log").read_text()
    ask = "import sys, torch; a, b = map(torch.load, sys.argv[1:]); print(all(torch.equal(a[k], b[k]) for k in a))"
    same = subprocess.run(
        [trainer(FIT), "-I", "-c", ask, str(folder / NETWORK), str(tmp_path / NETWORK)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert same.stdout.strip() == "True"
    assert json.loads((tmp_path / ELEMENTS).read_text()) == json.loads((folder / ELEMENTS).read_text())


def test_what_a_training_left_is_forgotten_where_its_labels_are_others(tmp_path: Path) -> None:
    left = tmp_path / CHECKPOINT
    for content, stays in (("a", False), ("a", True), ("b", False)):
        left.write_text("left")
        (tmp_path / "train.xyz").write_text(content)
        forget_unless(tmp_path, ["train.xyz"], left)
        assert left.is_file() == stays


def test_a_python_without_the_network_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training failed.*sevenn"):
        teach(hydrocarbons()[:1], TWICE, FitSettings(python=sys.executable), tmp_path, 1)
