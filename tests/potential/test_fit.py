"""What a fit takes off its labels, and how much each frame counts."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule
from hypothesis import given
from hypothesis import strategies as st
from potentials import potential_of

from iondrill.config.potential import FitSettings
from iondrill.engines.ase.learned import calculator_of
from iondrill.errors import UserError
from iondrill.files import INSTALL
from iondrill.potential.fit import SOFT_EV_A, check_sizes, elements_after, fit, trainer, weights_of
from iondrill.potential.labels import Store

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

SHIPPED = INSTALL / "structures/potentials/drill"
REFERENCE_EV = {"C": -155.0, "H": -13.6}


def hydrocarbons() -> list[Atoms]:
    return [molecule(name) for name in ("CH4", "C2H2", "C2H4", "C2H6", "C6H6")]


@pytest.mark.nep
def test_a_fit_starts_where_the_potential_before_it_was_whatever_the_atoms_are_worth(tmp_path: Path) -> None:
    start = potential_of(tmp_path / "start", hydrocarbons(), hydrocarbons())
    network = calculator_of(start)
    worth = [sum(REFERENCE_EV[symbol] for symbol in one.get_chemical_symbols()) for one in hydrocarbons()]
    energies = [network.network(one)[0] + more for one, more in zip(hydrocarbons(), worth, strict=True)]
    found = elements_after(hydrocarbons(), energies, start, ["C", "H", "Li"])
    assert {name: found[name] for name in REFERENCE_EV} == pytest.approx(REFERENCE_EV, abs=1e-3)
    assert found["Li"] == 0.0
    # anew, they take up what the network knows already
    assert elements_after(hydrocarbons(), energies, None, []) != pytest.approx(REFERENCE_EV, abs=1e-3)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30))
def test_relative_weights_make_errors_count_by_the_force_that_is_there(rms_eV_A: list[float]) -> None:
    forces = [np.full((4, 3), value) for value in rms_eV_A]
    weights = weights_of(forces, "relative")
    assert all(0.01 <= weight <= 100 for weight in weights)
    steps = sorted(zip(rms_eV_A, weights, strict=True))
    assert [weight for _, weight in steps] == sorted(weights, reverse=True)
    assert weights_of(forces, "even") == [1.0] * len(forces)


def test_an_error_of_a_tenth_counts_the_same_in_a_hot_and_in_a_warm_frame() -> None:
    warm, hot = weights_of([np.full((4, 3), value - SOFT_EV_A) for value in (1.0, 3.0)], "relative")
    assert warm * 0.1**2 == pytest.approx(hot * 0.3**2, rel=1e-3)


@pytest.mark.torchnep
def test_weights_follow_soap_and_the_learning_rate_falls_to_nothing(tmp_path: Path) -> None:
    settings = FitSettings(epochs=20, batch=1, neurons=4, n_max=2, basis_size=4)
    labels = Store(SHIPPED / "labels").labels()
    fit([one for one in labels if str(one.info["group"]).startswith("adamantane")][:2], settings, tmp_path, 1)
    rates = [float(rate) for rate in re.findall(r"\| lr (\S+)", (tmp_path / "training.log").read_text())]
    assert rates[0] == pytest.approx(settings.learning_rate, rel=0.02)
    assert rates[-1] < 1e-4 * settings.learning_rate + 1e-6
    # what AdamW does not keep: the directions of the preconditioner
    ask = "import sys, torch; print('GG' in torch.load(sys.argv[1])['optimizer_state']['state'][0])"
    checkpoint = tmp_path / "training" / "checkpoint.pt"
    command = [trainer(settings), "-I", "-c", ask, str(checkpoint)]
    kept = subprocess.run(command, check=False, capture_output=True, text=True)
    assert kept.stdout.strip() == "True", kept.stderr


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({}, "neurons 80, the fit 40"),
        ({"neurons": 80, "n_max": 5}, "n_max 6, the fit 5"),
        ({"neurons": 80, "angular_cutoff_A": 4.0}, "angular_cutoff_A 5, the fit 4"),
    ],
)
def test_a_start_of_other_sizes_is_refused_before_anything_is_fitted(
    tmp_path: Path, asked: dict[str, float], named: str
) -> None:
    settings = FitSettings.model_validate(asked)
    with pytest.raises(UserError, match=named):
        fit(hydrocarbons(), settings, tmp_path / "fit", 1, SHIPPED)
    check_sizes(SHIPPED, FitSettings(neurons=80))


@pytest.mark.nep
@pytest.mark.torchnep
def test_a_fit_from_a_potential_begins_as_right_as_that_is(tmp_path: Path) -> None:
    """One pass at a rate of next to nothing changes next to nothing; from drawn weights the same labels are far off."""
    labels = [one for one in Store(SHIPPED / "labels").labels() if str(one.info["group"]).startswith("c100-li")][:2]
    settings = FitSettings(epochs=1, batch=2, neurons=80, learning_rate=1e-6, energy_weight=50)
    before = rmse_eV_A(labels, SHIPPED)
    fit(labels, settings, tmp_path / "from", 1, SHIPPED, also=["C", "H", "Li", "Na"])
    fit(labels, settings, tmp_path / "drawn", 1)
    assert rmse_eV_A(labels, tmp_path / "from") == pytest.approx(before, rel=0.01)
    assert rmse_eV_A(labels, tmp_path / "drawn") > 2 * before


def rmse_eV_A(labels: list[Atoms], potential: Path) -> float:
    calculator = calculator_of(potential)
    off = [calculator.get_forces(one) - one.get_forces(apply_constraint=False) for one in labels]
    return float(np.sqrt(np.mean(np.concatenate(off) ** 2)))
