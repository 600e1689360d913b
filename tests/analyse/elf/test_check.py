"""D₀ of one spin is distinguished from one closed shell with one spin density and with two, or the factor is named."""

import numpy as np
import pytest

from iondrill.analyse.elf.check import check_job, compare
from iondrill.config.models import Config
from iondrill.errors import UserError

SHAPE = (12, 11, 10)


def closed_shell(factor):
    """Return ELF and density of a closed shell; and with two spins, χ of each being that many times as large."""
    rng = np.random.default_rng(3)
    rho, chi = rng.uniform(0.0, 0.3, SHAPE), rng.uniform(0.0, 6.0, SHAPE)
    one = 1 / (1 + chi**2)
    two = 1 / (1 + (factor * chi) ** 2)
    return (one[None], rho), (np.array([two, two]), rho)


@pytest.mark.parametrize(("factor", "spin_D0"), [(1.0, "6pi2"), (2 ** (2 / 3), "3pi2")])
def test_the_two_conventions_are_told_apart(factor, spin_D0):
    found = compare("it", *closed_shell(factor))
    assert found.spin_D0 == spin_D0
    assert found.ratio == pytest.approx(factor)


@pytest.mark.parametrize("factor", [2 ** (-2 / 3), 1.2, 2 ** (4 / 3)])
def test_any_other_factor_is_named(factor):
    message = rf"it: D/D₀ of one spin is {factor:.3f} .* times that of both; known: 1 .* 1\.587"
    with pytest.raises(UserError, match=message):
        compare("it", *closed_shell(factor))


def test_a_factor_that_varies_is_none():
    one, (apart, rho) = closed_shell(1.0)
    apart = apart * np.linspace(0.8, 1.0, SHAPE[0])[:, None, None]
    with pytest.raises(UserError, match="of one spin is"):
        compare("it", one, (apart, rho))


def test_each_spin_counts():
    one, (apart, rho) = closed_shell(1.0)
    _, (other, _) = closed_shell(2 ** (2 / 3))
    with pytest.raises(UserError, match="of one spin is"):
        compare("it", one, (np.array([apart[0], other[0]]), rho))


def test_what_cannot_be_compared_is_refused():
    one, two = closed_shell(1.0)
    with pytest.raises(UserError, match="ELF of 1 and 1 spins"):
        compare("it", one, one)
    with pytest.raises(UserError, match="needed: of 1 and 2, on one grid"):
        compare("it", one, (two[0][:, 1:], two[1]))
    with pytest.raises(UserError, match="0 points from which"):
        compare("it", (one[0], one[1] / 100), two)


def test_the_check_is_for_levels_with_an_elf_of_their_own():
    config = Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}, "v": {"engine": "vasp"}}})
    assert [check_job(config, "v", spins).spins for spins in (1, 2)] == [1, 2]
    with pytest.raises(UserError, match=r"level 'gfn2': is of engine xtb.*allowed: v"):
        check_job(config, "gfn2", 1)
    with pytest.raises(UserError, match="level 'w': is not there; allowed: v"):
        check_job(config, "w", 1)
