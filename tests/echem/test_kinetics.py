"""The exponent and the capacitive share from synthetic currents with known ones; and what is said of bad data."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from iondrill.cli import main
from iondrill.echem.fits import condition
from iondrill.echem.kinetics import SHARES, capacitive, exponent
from iondrill.errors import UserError

RATES = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
GRID = np.linspace(0.01, 1.5, 60)
FILE = Path("cv.csv")
DRAWS = 100


def covered(off):
    """Say that a 99 % interval covers: at least 95 of 100 draws, and not by claiming too much."""
    return (np.abs(off) <= 1).sum() >= 95 and np.sqrt(np.mean(np.square(off))) > 0.2


def sweep(share, *, noise=0.0, seed=0, rates=RATES):
    """Return one sweep at each rate of which a share is capacitive at 1 mV/s; noise in parts of the largest current."""
    peak = np.exp(-((GRID - 0.6) ** 2) / 0.1) + 0.2
    clean = peak[:, None] * (share * rates + (1 - share) * np.sqrt(rates))
    currents = 1e-4 * (clean + np.random.default_rng(seed).normal(scale=noise * clean.max(), size=clean.shape))
    rate, potential = np.meshgrid(rates, GRID)
    return rate.ravel(), potential.ravel(), currents.ravel()


@pytest.mark.parametrize("b", [0.5, 0.73, 1.0])
def test_the_error_that_is_claimed_covers_b(b):
    # currents with 2 % of white noise each
    off = []
    for seed in range(DRAWS):
        noise = np.random.default_rng(seed).normal(scale=0.02, size=len(RATES))
        found = exponent(FILE, RATES, -3e-4 * RATES**b * np.exp(noise))
        off.append((found.b - b) / found.b_error)
    assert covered(off)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_error_that_is_claimed_covers_the_share(share):
    # currents with white noise of 1 % of the largest
    off = []
    for seed in range(DRAWS):
        found = capacitive(FILE, *sweep(share, noise=0.01, seed=seed))
        assert found.remarks == ()
        last = found.rows[-1]
        off.append((last.capacitive_share - share) / last.capacitive_share_error)
    assert covered(off)


def opposed():
    rate, potential, _ = sweep(0.5)
    return rate, potential, rate - 0.2 * np.sqrt(rate)


def test_shares_without_noise_are_those_put_in():
    rows = capacitive(FILE, *sweep(0.3)).rows
    for row in rows:
        v = row.scan_rate_mV_s
        assert row.capacitive_share == pytest.approx(0.3 * v / (0.3 * v + 0.7 * np.sqrt(v)), abs=1e-9)
    assert np.all(np.diff([row.capacitive_share for row in rows]) > 0)


def test_b_lies_between_those_of_its_parts():
    rate, potential, current = sweep(0.5)
    at_peak = potential == GRID[24]
    assert 0.5 < exponent(FILE, rate[at_peak], current[at_peak]).b < 1


def test_rates_in_a_narrow_range_are_collinear():
    wide, narrow = (np.column_stack([v, np.sqrt(v)]) for v in (RATES, np.array([0.9, 0.95, 1.0, 1.05])))
    assert condition(wide) < 30 < condition(narrow)
    assert condition(np.eye(2) * [1e-6, 1e6]) == pytest.approx(1)
    found = capacitive(FILE, *sweep(0.5, rates=np.array([0.9, 0.95, 1.0, 1.05]), noise=0.01))
    assert any("nearly collinear" in remark for remark in found.remarks)
    # and the error says so, too
    assert found.rows[0].capacitive_share_error > 5 * capacitive(FILE, *sweep(0.5, noise=0.01)).rows[0][2]


def test_a_bend_is_said():
    found = exponent(FILE, RATES, 1e-4 * (RATES + 0.001 * np.sqrt(RATES) + 2 * RATES**3))
    assert "not linear in ln v" in found.remarks[0]
    assert "opposite signs at 60 of 60" in capacitive(FILE, *opposed()).remarks[0]
    # what grows faster than v has no part that grows like √v
    rate, potential, _ = sweep(0.5)
    assert any("not between 0 and 1" in remark for remark in capacitive(FILE, rate, potential, rate**2).remarks)


def test_what_no_number_can_be_made_of():
    with pytest.raises(UserError, match="2 scan rates; needed: 3 or more"):
        exponent(FILE, RATES[:2], RATES[:2])
    with pytest.raises(UserError, match="a scan rate of -1 mV/s"):
        exponent(FILE, -RATES[::-1], RATES)
    with pytest.raises(UserError, match="both signs"):
        exponent(FILE, RATES, RATES - 0.5)
    rate, potential, current = sweep(0.5)
    with pytest.raises(UserError, match="interpolate first"):
        capacitive(FILE, rate, potential + 0.01 * rate, current)
    with pytest.raises(UserError, match="each potential once"):
        capacitive(FILE, *(np.tile(values, 2) for values in (rate, potential, current)))


def test_the_commands_say_numbers_with_errors(tmp_path, capsys):
    rate, potential, current = sweep(0.4, noise=0.005)
    table = tmp_path / "cv.csv"
    lines = [f"{v},{E},{i * 1e3}" for v, E, i in zip(rate, potential, current, strict=True)]
    table.write_text("\n".join(["scan rate (mV/s),Ewe/V,<I>/mA", *lines]) + "\n")
    assert main(["echem", "capacitive", str(table), "-o", str(tmp_path / "shares.csv")]) == 0
    said = re.fullmatch(r"1 mV/s: (.*)% ± (.*)% capacitive \(99 %\)", capsys.readouterr().out.splitlines()[-1])
    assert abs(float(said[1]) - 40) <= float(said[2])
    assert len(SHARES.read(tmp_path / "shares.csv").rows) == len(RATES)
    table.write_text("scan_rate_V_s,current_mA\n0.001,1\n0.002,2\n0.004,4\n0.008,8\n")
    assert main(["echem", "b-value", str(table)]) == 0
    assert capsys.readouterr().out.startswith("b = 1.0000 ± 0.0000 (99 %), from 4 scan rates")
