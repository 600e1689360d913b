"""Free energies against systems whose answer is known: a double well, and a chain of springs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from ase.units import kB

from iondrill.analyse.energies import free_energy
from iondrill.analyse.energies.free_energy import curve
from iondrill.analyse.energies.mbar import Chain, correlation_frames, solve

T = 300.0
kT = kB * T
FRAMES = 60


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(free_energy, "RESAMPLES", 25)


def well_eV(x):
    """Return a double well: 0.25 eV high between −1 and 1 Å, and leaning."""
    return 0.25 * (x**2 - 1) ** 2 + 0.05 * x


def sampled(energy_eV, at, k, n, random):
    """Return independent samples of a restrained coordinate, by the inverse of its distribution."""
    grid = np.linspace(-3, 3, 6001)
    weights = np.exp(-(energy_eV(grid) + 0.5 * k * (grid - at) ** 2) / kT)
    steps = np.cumsum(weights)
    return np.interp(random.random(n) * steps[-1], steps, grid)


def wells(seed=0, k=2.0, centres=None, energy_eV=well_eV):
    random = np.random.default_rng(seed)
    found = []
    for at in np.linspace(-1.4, 1.4, 9) if centres is None else centres:
        for way in ("in", "out"):
            x = sampled(energy_eV, at, k, FRAMES, random)
            found.append(Chain(at, k, way, x, x))
    return found


EDGES = np.linspace(-1.4, 1.4, 15)
"""Bins of a double well."""


def exact(energy_eV, edges):
    """Return the free energy of bins, zero in the first."""
    sums = []
    for low, high in pairwise(edges):
        x = np.linspace(low, high, 201)
        sums.append(-kT * np.log(np.exp(-energy_eV(x) / kT).mean()))
    return np.array(sums) - sums[0]


def test_a_double_well_is_found_within_the_stated_error():
    """In 5 independent experiments: 65 numbers, whose scatter is what each says of itself."""
    off, highest = [], []
    right = exact(well_eV, EDGES)
    for seed in range(5):
        found = curve(wells(seed), T, EDGES, seed)
        assert found.flaw == ""
        off += list((found.free_energy_eV - right)[1:] / found.error_eV[1:])
        highest.append((found.highest_eV - right.max()) / found.highest_error_eV)
        assert found.error_eV[1:].max() < 0.06
        assert found.highest_at_A == pytest.approx((EDGES[:-1] + EDGES[1:])[right.argmax()] / 2, abs=0.25)
    assert 0.4 < np.sqrt(np.mean(np.square(off))) < 1.6
    assert np.abs(highest).max() < 4


def spring_chain(seed, n_springs=6, spring=3.0, k=1.0):
    """Return a chain of springs from a wall, restrained at its end; what is looked at is a bead within it."""
    random = np.random.default_rng(seed)
    couplings = np.diag(np.full(n_springs, 2.0)) - np.eye(n_springs, k=1) - np.eye(n_springs, k=-1)
    couplings[-1, -1] = 1.0
    end = np.zeros(n_springs)
    end[-1] = 1.0
    found = []
    for at in np.linspace(-1.5, 1.5, 11):
        matrix = spring * couplings + k * np.outer(end, end)
        mean, spread = np.linalg.solve(matrix, k * at * end), np.linalg.inv(matrix) * kT
        for way in ("in", "out"):
            beads = random.multivariate_normal(mean, spread, size=FRAMES)
            found.append(Chain(at, k, way, beads[:, -1], beads[:, 2]))
    return found


def test_a_chain_of_springs_has_the_free_energy_of_one_spring_along_each_bead():
    """Three springs of 3 eV/Å² in a row are one of 1 eV/Å², whatever is beyond; the restraint acts elsewhere."""
    edges = np.linspace(-0.5, 0.5, 9)
    off = []
    for seed in range(3):
        found = curve(spring_chain(seed), T, edges, seed)
        assert found.flaw == ""
        off += list((found.free_energy_eV - exact(lambda x: 0.5 * x**2, edges))[1:] / found.error_eV[1:])
    assert 0.4 < np.sqrt(np.mean(np.square(off))) < 1.7


def test_directions_that_disagree_are_a_flaw_and_make_the_error_larger():
    """On the way out something else has changed, which costs 0.4 eV on the right."""
    ways = {"in": wells(2), "out": wells(2, energy_eV=lambda x: well_eV(x) + 0.2 * (1 + np.tanh(5 * x)))}
    mixed = [chain for way, chains in ways.items() for chain in chains if chain.way == way]
    coarse = np.linspace(-1.4, 1.4, 8)
    fair, odd = (curve(chains, T, coarse) for chains in (ways["in"], mixed))
    assert (odd.out_eV - odd.in_eV)[-1] == pytest.approx(0.4, abs=0.15)
    assert "directions are" in odd.flaw
    assert odd.error_eV[-1] > 1.5 * fair.error_eV[-1]


def test_what_is_not_converged_is_said():
    apart = wells(3, k=40.0, centres=[-1.2, 0.0, 1.2])
    assert "bins have no frame" in curve(apart, T, EDGES).flaw
    assert "overlap by" in curve(apart, T, np.array([-1.5, 1.5])).flaw
    slow = [c.only(np.argsort(c.shown_A)) for c in wells(4)]
    coarse = np.linspace(-1.0, 1.0, 4)
    assert "independent blocks" in curve(slow, T, coarse).flaw
    later = wells(5, energy_eV=lambda x: well_eV(x) + 0.25 * (1 + np.tanh(5 * x)))
    changed = [c.only(slice(30)) for c in wells(5)], [c.only(slice(30)) for c in later]
    drifting = [
        c._replace(**{name: np.concatenate([getattr(c, name), getattr(d, name)]) for name in ("biased_A", "shown_A")})
        for c, d in zip(*changed, strict=True)
    ]
    assert curve(drifting, T, coarse).halves_eV > 0.2
    alone = curve([c for c in wells(6) if c.way == "in"], T, EDGES)
    assert np.isnan(alone.ways_eV)
    assert np.isnan(alone.out_eV).all()


def test_a_series_is_remembered_as_long_as_it_repeats_itself():
    random = np.random.default_rng(1)
    independent = random.normal(size=500)
    assert correlation_frames(independent) <= 2
    assert correlation_frames(np.repeat(independent[:100], 5)) == pytest.approx(5, abs=2)
    assert correlation_frames(np.zeros(7)) == 7


def test_the_order_of_chains_does_not_matter():
    chains = wells(7)
    one, other = (solve(each, T, EDGES).profile_eV for each in (chains, chains[::-1]))
    assert one == pytest.approx(other, abs=1e-9)
