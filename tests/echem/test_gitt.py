"""Diffusion coefficients from pulses that the exact law of a slab makes, with noise; and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import binom

from iondrill.cli import main
from iondrill.echem.gitt import GITT, coefficient, read_gitt, validity
from iondrill.echem.slab import filling, surface
from iondrill.errors import UserError

LENGTH_UM = 10.0
NOISE_V = 20e-6
STEP_V = -5e-3
DRAWS = 100


def measured(theta, *, tau_s=600.0, rest_s=None, noise_V=NOISE_V, seed=0, ohmic_V=-0.02, n_pulses=1):
    """Return pulses of a slab with Dτ/L² = theta, white noise of a standard deviation, and rests between them."""
    D = theta * LENGTH_UM**2 * 1e-8 / tau_s
    rest_s = tau_s / theta if rest_s is None else rest_s  # L²/D
    begins = rest_s + np.arange(n_pulses) * (tau_s + rest_s)
    parts = [np.linspace(0, rest_s, 200)]
    for begin in begins:
        parts += [begin + np.linspace(0, tau_s, 201)[1:], begin + tau_s + np.linspace(0, rest_s, 201)[1:]]
    time_s = np.concatenate(parts)
    current_A, potential_V = np.zeros_like(time_s), np.full_like(time_s, 3.0)
    for begin in begins:
        during = (time_s > begin + 1e-6) & (time_s <= begin + tau_s + 1e-6)
        current_A[during] = -1e-4
        since, ended = np.maximum(time_s - begin, 0), np.maximum(time_s - begin - tau_s, 0)
        shape = surface(theta * since / tau_s) - surface(theta * ended / tau_s)
        potential_V += STEP_V * shape / theta + ohmic_V * during
    noise = np.random.default_rng(seed).normal(scale=noise_V, size=len(time_s))
    return D, {"time_s": time_s, "current_A": current_A, "potential_V": potential_V + noise}


def first(series):
    return read_gitt(Path("cell.csv"), series, LENGTH_UM)[0]


def test_the_law_of_the_slab_is_that_of_the_diffusion_equation():
    n = 200
    x = (np.arange(n) + 0.5) / n

    def rate(_, c):
        flow = np.concatenate([[1.0], -np.diff(c) * n, [0.0]])
        return -np.diff(flow) * n

    at = np.array([0.05, 0.2, 0.7, 1.5])
    seen = solve_ivp(rate, (0, 1.5), np.zeros(n), t_eval=at, method="BDF", rtol=1e-8, atol=1e-10)
    edge = seen.y[0] + 0.5 / n  # half a cell from the face, along the gradient of 1
    assert np.allclose(surface(at), edge, rtol=0, atol=1e-4)
    assert np.allclose(seen.y.mean(axis=0), at, atol=1e-6)
    assert surface(0.0199999) == pytest.approx(float(surface(0.0200001)), rel=1e-4)
    assert x[0] < x[-1]


@pytest.mark.parametrize("theta", [0.01, 0.1, 0.5, 2.0])
def test_the_diffusion_time_is_found_from_any_pulse(theta):
    share = np.linspace(0.1, 1, 100)
    potential_V = 3 - 0.02 + STEP_V * surface(theta * share) / theta
    assert filling(share, potential_V, STEP_V) == pytest.approx(theta, rel=1e-3)


@pytest.mark.parametrize("theta", [0.01, 0.05, 0.2])
def test_the_error_that_is_claimed_covers_D(theta):
    # white noise of 20 µV on steps of 5 mV; the claim is half of the 99 % interval
    off = []
    for seed in range(DRAWS):
        D, series = measured(theta, seed=seed)
        row = first(series)
        assert row.status == "determined"
        off.append((row.D_cm2_s - D) / row.D_error_cm2_s)
    hits = int((np.abs(off) <= 1).sum())
    assert hits >= 95
    assert hits >= binom.ppf(0.001, DRAWS, 0.99)
    # and it is not covered by claiming too much: errors scatter as those of a 99 % interval do, 1/2.6
    assert np.sqrt(np.mean(np.square(off))) > 0.25


@pytest.mark.parametrize("noise_V", [1e-6, 2e-4])
def test_the_error_covers_d_with_little_noise_and_with_much(noise_V):
    # of 1 µV, what the rests have not yet come to is most of the error
    rows = [(D, first(series)) for D, series in (measured(0.05, noise_V=noise_V, seed=seed) for seed in range(DRAWS))]
    told = [(D, row) for D, row in rows if row.D_cm2_s is not None]
    assert len(told) >= 95  # noise alone refuses a few
    assert sum(abs(row.D_cm2_s - D) <= row.D_error_cm2_s for D, row in told) >= 0.95 * len(told)


def test_the_equation_has_the_units_of_a_diffusion_coefficient():
    # D ∝ 1/τ at equal steps of potential: what the paper's print lacks
    assert coefficient(20.0, LENGTH_UM, 0.1) == pytest.approx(coefficient(10.0, LENGTH_UM, 0.1) / 2)
    assert coefficient(100.0, 10.0, 0.1) == pytest.approx(4 / (np.pi * 100) * 1e-6 * 0.01)


def test_each_pulse_has_a_row():
    D, series = measured(0.05, n_pulses=3)
    rows = read_gitt(Path("cell.csv"), series, LENGTH_UM)
    assert [row.pulse for row in rows] == [1, 2, 3]
    for row in rows:
        assert abs(row.D_cm2_s - D) <= row.D_error_cm2_s
        assert row.tau_s == pytest.approx(600)
        assert row.dE_s_V == pytest.approx(STEP_V, rel=0.01)


@pytest.mark.parametrize("time_s", [100.0, 1000.0, 10_000.0])
def test_the_papers_pulses_are_refused_at_every_D_that_it_reports(time_s):
    tau_s, D = 14_400.0, LENGTH_UM**2 * 1e-8 / time_s
    with pytest.raises(UserError, match=r"times the diffusion time L²/D .*Eq\. 2 does not hold; needed: τ ≪ L²/D"):
        validity(tau_s, LENGTH_UM, D)
    _, series = measured(tau_s / time_s, tau_s=tau_s, rest_s=tau_s, noise_V=1e-6)
    row = first(series)
    assert row.D_cm2_s is None
    assert row.D_error_cm2_s is None
    assert "times the diffusion time L²/D" in row.status
    assert row.tau_over_L2_D >= 1


def test_a_short_pulse_is_said_to_be_short():
    assert validity(10.0, LENGTH_UM, 1e-10) == pytest.approx(1e-3)


def test_a_potential_that_bends_away_from_the_square_root_is_refused():
    _, series = measured(0.6)
    row = first(series)
    assert row.D_cm2_s is None
    assert "E is not linear in √t" in row.status
    assert "diffusion time" not in row.status


def test_a_rest_that_is_not_steady_is_refused():
    _, series = measured(0.05, rest_s=600.0)  # a twentieth of L²/D
    row = first(series)
    assert row.D_cm2_s is None
    assert "the rest after it is not steady" in row.status
    assert "the rest before it" not in row.status
    drifting = dict(measured(0.05)[1])
    drifting["potential_V"] = drifting["potential_V"] + 1e-3 * drifting["time_s"] / drifting["time_s"][-1]
    assert "the rest before it is not steady" in first(drifting).status


def test_what_no_number_can_be_made_of_is_refused():
    _, series = measured(0.05)
    few = {name: values[::50] for name, values in series.items()}
    assert "fewer than 8 points" in first(few).status
    other = series | {"potential_V": np.where(series["time_s"] > 1e3, 3.1, 3.0) - 1e-5 * series["time_s"]}
    assert read_gitt(Path("x"), other, LENGTH_UM)[0].D_cm2_s is None
    still = series | {"current_A": 0 * series["current_A"]}
    with pytest.raises(UserError, match="no pulse between two rests"):
        first(still)
    back = series | {"time_s": np.concatenate([series["time_s"][:5], series["time_s"][:-5]])}
    with pytest.raises(UserError, match=r"cell.csv \(line 7\): the time 0 s does not increase"):
        first(back)


def test_the_command_writes_a_table_and_fails_if_all_is_refused(tmp_path, capsys):
    def run(theta):
        _, series = measured(theta)
        lines = [",".join(f"{value:.9g}" for value in row) for row in zip(*series.values(), strict=True)]
        (tmp_path / "cell.csv").write_text("\n".join(["Time(s),Current(A),Voltage(V)", *lines]) + "\n")
        status = main(["echem", "gitt", str(tmp_path / "cell.csv"), "--length-um", "10", "-o", f"{tmp_path}/D.csv"])
        return status, capsys.readouterr().out, GITT.read(tmp_path / "D.csv").rows[0]

    status, out, row = run(0.05)
    assert status == 0
    assert "cm²/s (99 %), determined" in out
    assert float(row["D_cm2_s"]) > float(row["D_error_cm2_s"]) > 0
    status, out, row = run(3.0)
    assert status == 1
    assert "refused" in out
    assert row["D_cm2_s"] == ""
