"""Eq. 1, and the positions of reflections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iondrill.analyse.dynamics.diffraction import PAPER_DEG, WAVELENGTH_A
from iondrill.cli import main
from iondrill.echem.gitt import GITT
from iondrill.echem.kinetics import SHARES
from iondrill.echem.materials import saving
from iondrill.echem.reflections import POSITIONS, positions, positions_of_paper
from iondrill.errors import UserError


def test_the_papers_saving():
    # by mole it follows from that by mass and the molar masses of the carbonates, 73.89 and 105.99 g/mol
    found = saving(0.5)
    assert (round(found.by_mass, 3), round(found.by_mole, 3)) == (0.496, 0.494)
    assert found.by_mole == pytest.approx(0.5 * (1 - 0.008 * 105.988 / 73.89), abs=1e-5)


def test_only_ratios_of_prices_and_the_two_mixtures_matter():
    assert saving(0.3, prices={"Li": 500.0, "Na": 4.0}) == pytest.approx(saving(0.3))
    for x in (0.0, 0.4, 1.0):
        assert saving(x, x) == pytest.approx((0.0, 0.0))
    assert saving(1.0, prices={"Li": 1.0, "Na": 1.0}).by_mass == pytest.approx(0)
    # at one price for equal masses, a mole of sodium in the heavier carbonate costs more
    assert saving(1.0, prices={"Li": 1.0, "Na": 1.0}).by_mole < 0


def test_shares_and_prices_have_bounds(capsys):
    with pytest.raises(UserError, match="allowed: a share of sodium, 0 to 1"):
        saving(1.5)
    assert main(["echem", "saving", "--x", "0.5", "--price-Na", "0"]) == 1
    assert "price of Na: found 0; allowed: a positive number" in capsys.readouterr().err
    assert main(["echem", "saving", "--x", "0.5"]) == 0
    assert capsys.readouterr().out == "saved: 49.6% by mass of raw materials, 49.4% by mole of metal\n"


def test_the_papers_positions_are_layers_of_3_42_and_3_60_A():
    found = positions_of_paper()
    assert [row.two_theta_deg for row in found] == list(PAPER_DEG)
    assert [round(row.d_A, 2) for row in found] == [3.42, 3.60]
    assert [row.nearest.partition(" ")[0] for row in found] == ["graphite", "LiC12"]


def test_the_error_of_an_angle_is_passed_on():
    angle, error = 25.35, 0.05
    series = {"two_theta_deg": np.array([angle]), "two_theta_error_deg": np.array([error])}
    (row,) = positions(Path("x.csv"), series)
    either = [WAVELENGTH_A / 2 / np.sin(np.radians((angle + sign * error) / 2)) for sign in (-1, 1)]
    assert row.d_error_A == pytest.approx((either[0] - either[1]) / 2, rel=1e-4)
    assert row.nearest.startswith("LiC12")
    assert abs(row.off_by_deg) < 0.1


def test_angles_have_bounds(tmp_path):
    table = tmp_path / "xrd.csv"
    table.write_text("two_theta_deg\n26\n190\n")
    assert main(["echem", "reflections", str(table)]) == 1
    table.write_text("2theta_deg\n26.55\n")
    assert main(["echem", "reflections", str(table), "-o", str(tmp_path / "d.csv")]) == 0
    assert "3.354" in (tmp_path / "d.csv").read_text()


def test_the_page_names_every_column(root):
    page = (root / "docs/electrochemistry.md").read_text(encoding="utf-8")
    forms = (GITT, SHARES, POSITIONS)
    assert [name for form in forms for name in form.names if f"`{name}`" not in page] == []
