"""Recorded adsorption energies: the error that a fitted level has of them, and which labels are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from potentials import potential_of

from iondrill.analyse.energies.level_differences import DIFFERENCES, write_differences
from iondrill.analyse.energies.recorded import recorded_differences, recorded_error
from iondrill.config.levels import AseLevel, Cp2kLevel, XtbLevel
from iondrill.engines.ase.learned import calculator_of
from iondrill.errors import UserError
from iondrill.potential.labels import settings_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nep
REFERENCE = XtbLevel(engine="xtb")
OFF_EV = 0.07


def slab(seed: int, ions: tuple[str, ...] = ()) -> Atoms:
    """Return two layers of carbon, with ions over them."""
    atoms = Atoms("C8", cell=[5.0, 5.0, 20.0], pbc=[True, True, False])
    atoms.positions[:] = [[2.5 * (k % 2), 2.5 * (k // 2 % 2), 5 + 1.6 * (k // 4)] for k in range(8)]
    for k, symbol in enumerate(ions):
        atoms += Atoms(symbol, [[1.2 + 2.5 * k, 1.2, 8.2]])
    atoms.rattle(0.03, seed=seed)
    atoms.set_array("fragment", np.array(["slab"] * 8 + ["adsorbate"] * len(ions)))
    return atoms


def labelled(atoms: Atoms, calculator: Any, off_eV: float = 0.0, **info: str) -> Atoms:
    energy = calculator.get_potential_energy(atoms)
    label = atoms.copy()
    label.calc = SinglePointCalculator(label, energy=energy + off_eV, forces=calculator.get_forces(atoms))
    label.info = {"level": "gfn2", "settings": settings_of(REFERENCE), "group": "facet", "kind": "x", "step": 0, **info}
    return label


def parts(calculator: Any, **info: str) -> list[Atoms]:
    """Return the clean slab and the free atom that a slab with an ion needs."""
    return [labelled(one, calculator, **info) for one in (slab(12), Atoms("H", cell=[20, 20, 20]))]


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    return potential_of(
        tmp_path / "potential",
        [slab(seed, ("H",)) for seed in range(6)],
        [slab(seed, ("H",)) for seed in range(6, 9)],
    )


def differences(potential: Path, labels: list[Atoms], folder: Path) -> list[dict[str, Any]]:
    path = folder / "labels.extxyz"
    write(path, labels, format="extxyz")
    levels = {
        "own": AseLevel(engine="ase", calculator="fitted", arguments={"potential": str(potential)}),
        "gfn2": REFERENCE,
    }
    assert recorded_differences("gfn2", levels, [path]) == []
    return recorded_differences("own", levels, [path])


@pytest.mark.parametrize("ions", [("H",), ("H", "H")])
def test_what_is_put_into_the_reference_is_found(potential: Path, tmp_path: Path, ions: tuple[str, ...]) -> None:
    """E_ads is per ion: each part with an energy off by a known amount shifts it by as much, over the ions."""
    calculator, n = calculator_of(potential), len(ions)
    free = Atoms("H", cell=[20, 20, 20])
    labels = [
        labelled(slab(11, ions), calculator, OFF_EV, site="top"),
        labelled(slab(12), calculator, -0.02),
        labelled(free, calculator, 0.01, group="atom"),
    ]
    (row,) = differences(potential, labels, tmp_path)
    assert row["dE_ads_eV"] == pytest.approx(-(OFF_EV + 0.02 - n * 0.01) / n, abs=1e-6)
    assert {key: row[key] for key in ("facet", "adsorbate", "site", "n", "level", "against")} == {
        "facet": "facet",
        "adsorbate": "H",
        "site": "top",
        "n": n,
        "level": "own",
        "against": "gfn2",
    }
    write_differences([], ["own"], tmp_path / "table.csv", [row])
    assert DIFFERENCES.read(tmp_path / "table.csv").rows[0]["site"] == "top"


def test_the_error_of_an_ion_is_the_root_mean_square_of_its_own() -> None:
    rows = [
        {"adsorbate": ion, "dE_ads_eV": off, "against": "dft"} for ion, off in (("Li", 0.3), ("Li", -0.4), ("Na", 9.0))
    ]
    error = recorded_error(rows, "Li")
    assert error is not None
    assert error.error_eV == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    assert "2 energies of Li against dft" in error.covers
    assert recorded_error(rows, "K") is None


def test_a_label_of_the_training_is_refused(potential: Path, tmp_path: Path) -> None:
    calculator = calculator_of(potential)
    labels = [labelled(slab(0, ("H",)), calculator), *parts(calculator)]
    with pytest.raises(UserError, match="has learned from"):
        differences(potential, labels, tmp_path)


def test_other_settings_of_the_reference_are_refused(potential: Path, tmp_path: Path) -> None:
    calculator = calculator_of(potential)
    other = settings_of(XtbLevel(engine="xtb", electronic_temperature_K=2500))
    labels = [labelled(slab(11, ("H",)), calculator, settings=other), *parts(calculator)]
    with pytest.raises(UserError, match=r"labelled at other settings than 'GFN2.*' has now"):
        differences(potential, labels, tmp_path)


def test_k_points_follow_the_frame(potential: Path, tmp_path: Path) -> None:
    calculator = calculator_of(potential)
    dft = Cp2kLevel(engine="cp2k", kpoints=(2, 2, 1))
    made = settings_of(dft.model_copy(update={"kpoints": (5, 5, 1)}))
    info = {"level": "dft", "settings": made}
    labels = [labelled(slab(11, ("H",)), calculator, **info), *parts(calculator, **info)]
    path = tmp_path / "labels.extxyz"
    write(path, labels, format="extxyz")
    level = AseLevel(engine="ase", calculator="fitted", arguments={"potential": str(potential)})
    (row,) = recorded_differences("own", {"own": level, "dft": dft}, [path])
    assert row["against"] == "dft"


@pytest.mark.parametrize(
    ("kept", "said"), [((0, 2), "without its parts"), ((0, 1), "without its parts"), ((1, 2), None)]
)
def test_a_slab_without_its_parts_is_named(
    potential: Path, tmp_path: Path, kept: tuple[int, ...], said: str | None
) -> None:
    calculator = calculator_of(potential)
    labels = [labelled(slab(11, ("H",)), calculator), *parts(calculator)]
    some = [labels[k] for k in kept]
    if said is None:
        assert differences(potential, some, tmp_path) == []
        return
    with pytest.raises(UserError, match=said):
        differences(potential, some, tmp_path)
