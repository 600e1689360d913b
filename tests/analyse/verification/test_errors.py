"""Errors of a run's level on its own frames, and the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule

from iondrill.analyse.verification.errors import (
    FRAMES,
    Compared,
    FrameError,
    PartError,
    cutting_eV_A,
    energy_errors_meV,
    errors_by_part,
    of_frame,
    verdict,
)
from iondrill.config.verification import VerdictCriteria
from iondrill.geometry.labels import set_fragment
from iondrill.potential.judge import Error

CRITERIA = VerdictCriteria()


def frame(slot: int, error_eV_A: float, *, caps: int = 0, shift_eV: float = 0.0) -> Compared:
    """Return isobutane whose forces at one level are off by a fixed length in a random direction."""
    rng = np.random.default_rng(slot)
    atoms = molecule("isobutane")
    set_fragment(atoms, "nd")
    if caps:
        atoms.set_array("cap", np.arange(len(atoms)) >= len(atoms) - caps)
    reference = rng.normal(size=(len(atoms), 3))
    off = rng.normal(size=reference.shape)
    off *= error_eV_A * np.sqrt(3) / np.linalg.norm(off, axis=1, keepdims=True)
    if caps:
        off[-caps:] = 1e3
    return Compared(slot, "whole", atoms, reference + off, reference, shift_eV, 0.0)


def test_the_error_is_that_which_was_put_in_whatever_the_caps_do() -> None:
    rows = errors_by_part([frame(slot, 0.3, caps=2) for slot in range(3)])
    found = {row.part: row.error for row in rows}
    assert set(found) == {"all", "nanodiamond", "H"}
    assert found["all"].n == 3 * (14 - 2)
    for error in found.values():
        assert error.force_rmse_eV_A == pytest.approx(0.3)


def test_energies_have_no_common_zero_and_differences_count() -> None:
    frames = [frame(slot, 0.0, shift_eV=-500.0 + 0.14 * (slot % 2)) for slot in range(4)]
    other = frame(9, 0.0, shift_eV=7.0)
    del other.atoms[0]
    errors = energy_errors_meV([*frames, other])
    assert set(errors) == {(slot, "whole") for slot in range(4)}
    assert sorted(errors.values()) == pytest.approx([-5.0, -5.0, 5.0, 5.0])


def test_what_counts_of_two_energies_is_how_far_they_are_apart() -> None:
    """Both levels follow the path, by 3 eV; what is left of 28 meV between two frames of 14 atoms is ±1 meV an atom."""
    frames = [
        frame(0, 0.0)._replace(own_eV=-500.0, reference_eV=-20.0),
        frame(1, 0.0)._replace(own_eV=-497.0 + 0.028, reference_eV=-17.0),
    ]
    assert energy_errors_meV(frames) == pytest.approx({(0, "whole"): -1.0, (1, "whole"): 1.0})


def test_a_row_of_a_frame_has_the_force_of_the_reference_and_none_where_it_was_not_computed() -> None:
    one = frame(0, 0.3)
    known = FrameError(0, 4, 2.0, "evenly spaced", "whole", 14, None, "compared", of_frame(one), None)
    cells = FRAMES.cells(known)
    assert cells["force_rms_eV_A"] == pytest.approx(np.sqrt((one.reference**2).mean()))
    assert cells["force_rmse_eV_A"] == pytest.approx(0.3)
    lacking = FRAMES.cells(known._replace(error=None, status="reference: SCF not converged"))
    assert (lacking["force_rms_eV_A"], lacking["force_rmse_eV_A"]) == (None, None)


def part(name: str, rms: float, rmse: float, n: int = 100) -> PartError:
    return PartError("whole", name, Error(n, rms, rmse, 0.9))


@pytest.mark.parametrize(
    ("errors", "n_compared", "grade", "said"),
    [
        ([part("all", 1.3, 0.2)], 4, None, "trusted"),
        ([part("all", 1.3, 0.2)], 4, 1.9, "trusted"),
        ([part("all", 1.3, 0.2)], 4, 2.1, "refused"),
        ([part("all", 1.3, 0.2)], 4, float("nan"), "refused"),
        ([part("all", 1.3, 0.2)], 1, None, "doubtful"),
        ([part("all", 1.3, 0.2)], 0, None, "not verified"),
        ([part("all", 1.3, 0.3)], 4, None, "doubtful"),
        ([part("all", 1.3, 0.7)], 4, None, "refused"),
        # small errors of smaller forces say nothing of the motion
        ([part("all", 1.3, 0.2), part("Li", 0.1, 0.08)], 4, None, "refused"),
        # but few atoms do not decide
        ([part("all", 1.3, 0.2), part("Li", 0.1, 0.08, n=9)], 4, None, "trusted"),
        ([part("all", 1.3, float("nan"))], 4, None, "refused"),
    ],
)
def test_a_verdict_by_its_criteria(errors: list[PartError], n_compared: int, grade: float | None, said: str) -> None:
    found, reasons = verdict(errors, (n_compared, 4), grade, CRITERIA)
    assert found == said
    assert bool(reasons) == (said != "trusted")


def test_reasons_name_all_atoms_or_the_part_that_is_wrong() -> None:
    _, reasons = verdict([part("all", 1.3, 0.7), part("Li", 1.3, 0.3)], (4, 4), None, CRITERIA)
    assert [reason.split(":")[0] for reason in reasons] == ["all atoms (whole)", "Li (whole)"]


def test_a_level_that_is_wrong_about_what_is_known_is_refused_whatever_its_forces() -> None:
    said, reasons = verdict([part("all", 1.3, 0.0)], (4, 4), None, CRITERIA, ["sodium binds more strongly"])
    assert (said, reasons) == ("refused", ["sodium binds more strongly"])


def test_what_cutting_changes_leaves_out_the_atoms_at_the_cut() -> None:
    atoms = molecule("isobutane")
    atoms.set_array("cap", np.arange(len(atoms)) == len(atoms) - 1)
    parents = np.where(atoms.arrays["cap"], -1, np.arange(len(atoms)) + 5)
    rng = np.random.default_rng(3)
    whole = rng.normal(size=(len(atoms) + 5, 3))
    piece = np.full((len(atoms), 3), 99.0)
    (bonded,) = np.flatnonzero(atoms.get_distances(len(atoms) - 1, range(len(atoms) - 1)) < 1.2)
    inner = [i for i in range(len(atoms) - 1) if i != bonded]
    piece[inner] = whole[parents[inner]] + 0.1
    error = cutting_eV_A(atoms, piece, whole, parents)
    assert error.n == len(atoms) - 2
    assert error.force_rmse_eV_A == pytest.approx(0.1)
