"""What a convergence study says: its table, the cheapest value of each setting that will do, and an error estimate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ase.units import Bohr, Hartree

from iondrill.analyse.columns import TableForm, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iondrill.analyse.energies.convergence import Curve, Difference, SweepPoint
    from iondrill.config.convergence import Study, Tolerance


@dataclass(frozen=True)
class ConvergenceRow:
    """A row of ``convergence/<study>.csv``: a value, the sweep that it is of, and what is tolerated."""

    point: SweepPoint
    curve: Curve
    tolerance: Tolerance

    @cached_property
    def difference(self) -> Difference:
        """To the finest value."""
        return self.curve.difference(self.point)

    @property
    def within(self) -> str | None:
        """Whether the difference is tolerated; None of what did not converge."""
        if self.point.status != "converged":
            return None
        return _yes(self.difference.within(self.tolerance))

    @property
    def relative_cost(self) -> float | None:
        """Core seconds over those of the finest value."""
        finest_s = self.curve.finest.result.core_s if self.curve.finest else 0.0
        return self.point.result.core_s / finest_s if self.point.converged and finest_s else None


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _Ha_bohr(force_eV_A: float | None) -> float | None:
    return None if force_eV_A is None else force_eV_A * (Bohr / Hartree)


LONGEST = "longest difference of the forces on an atom that moves"
CONVERGENCE = TableForm[ConvergenceRow](
    "a value of a setting, from coarse to fine; no number from what did not converge",
    (
        text("parameter", "name of the setting", lambda row: row.point.parameter),
        text("value", "its value", lambda row: shown(row.point.value)),
        text("own", "whether it is the value of the study's level and structure", lambda row: _yes(row.point.own)),
        text("level", "level of theory", lambda row: row.point.result.level),
        number(
            "energy_eV",
            "energy of the structure",
            lambda row: row.point.result.energy_eV if row.point.converged else None,
        ),
        number(
            "energy_difference_meV_atom",
            "difference to the finest value, per atom",
            lambda row: row.difference.energy_meV_atom,
        ),
        number("force_difference_max_eV_A", LONGEST, lambda row: row.difference.force_max_eV_A),
        number("force_difference_max_Ha_bohr", "the same", lambda row: _Ha_bohr(row.difference.force_max_eV_A)),
        number(
            "force_difference_rms_eV_A",
            "root mean square of these differences",
            lambda row: row.difference.force_rms_eV_A,
        ),
        number("force_difference_rms_Ha_bohr", "the same", lambda row: _Ha_bohr(row.difference.force_rms_eV_A)),
        number("E_ads_eV", "adsorption energy per ion, of a study of one", lambda row: row.point.E_ads_eV),
        number("E_ads_difference_meV", "its difference to the finest value", lambda row: row.difference.E_ads_meV),
        text("within_tolerance", "whether the differences are tolerated", lambda row: row.within),
        text(
            "density_on_edge",
            "whether the electron density touches the faces of the box",
            lambda row: _yes(row.point.on_the_edge),
        ),
        number(
            "n_scf_cycles",
            "SCF cycles of the structure itself, also in a study of an adsorption energy",
            lambda row: row.point.result.n_scf_cycles,
        ),
        number("core_s", "core seconds, of the same", lambda row: row.point.result.core_s),
        number("core_s_relative", "over those of the finest value", lambda row: row.relative_cost),
        text("status", "`converged`, or what did not and why", lambda row: row.point.status),
    ),
)
"""``convergence/<study>.csv``."""


class _Estimate(NamedTuple):
    """Sum of the errors of the reference settings, and the settings with and without such an error."""

    total: float | None
    covers: list[str]
    lacks: list[str]


def convergence_rows(found: Sequence[Curve], tolerance: Tolerance) -> Iterator[ConvergenceRow]:
    """Yield the rows of ``convergence/<study>.csv``, from coarse to fine."""
    return (ConvergenceRow(point, curve, tolerance) for curve in found for point in curve.points)


def summary(study: Study, title: str, found: Sequence[Curve]) -> dict[str, Any]:
    """Return what a study says: for each setting the cheapest value that will do, and the reference error.

    The error estimate adds up the absolute differences of the reference settings to the finest values, over the
    settings for which they are known, and says which these are. Where the reference setting is the finest value,
    its error is unknown and not covered; without any known error there is no estimate.

    Parameters
    ----------
    study : Study
        What was asked for.
    title : str
        The level in a few words.
    found : sequence of Curve
        One for each setting.
    """
    settings = {curve.parameter: _summary_of(curve, study.tolerance) for curve in found}
    estimates = {name: _estimate(name, found) for name in ("energy_meV_atom", "force_max_eV_A", "E_ads_meV")}
    return {
        "structure": study.structure,
        "level": study.level,
        "level_title": title,
        "tolerance": study.tolerance.model_dump(mode="json"),
        "settings": settings,
        "error_estimate": {name: estimate.total for name, estimate in estimates.items()},
        "error_estimate_covers": {name: estimate.covers for name, estimate in estimates.items()},
        "error_estimate_lacks": {name: estimate.lacks for name, estimate in estimates.items()},
    }


def _estimate(name: str, found: Sequence[Curve]) -> _Estimate:
    """Return the error estimate of a field of `Difference`."""
    errors: dict[str, float | None] = {curve.parameter: getattr(curve.own_error, name) for curve in found}
    known = {parameter: abs(error) for parameter, error in errors.items() if error is not None}
    lacks = [parameter for parameter in errors if parameter not in known]
    return _Estimate(sum(known.values()) if known else None, list(known), lacks)


def _summary_of(curve: Curve, tolerance: Tolerance) -> dict[str, Any]:
    finest, cheapest = curve.finest, curve.cheapest(tolerance)
    own = curve.own
    if finest is None:
        remark = "no value converged"
    elif cheapest is None:
        remark = f"not within the tolerance below {shown(finest.value)}: add finer values"
    else:
        share = cheapest.result.core_s / finest.result.core_s if finest.result.core_s else 1.0
        remark = f"{shown(cheapest.value)} is within the tolerance, at {share:.2g} of the cost of {shown(finest.value)}"
    if finest is not None and own.converged and own.fineness >= finest.fineness:
        remark += f"; the error of {shown(own.value)} is unknown, no finer value converged"
    return {
        "finest": None if finest is None else shown(finest.value),
        "own": shown(own.value),
        "own_difference": curve.own_error._asdict(),
        "cheapest_within_tolerance": None if cheapest is None else shown(cheapest.value),
        "remark": remark,
    }


def shown(value: Any) -> str:
    """Return a value as the tables show it: ``400``, ``3x3x1``."""
    numbers = value if isinstance(value, (tuple, list)) else (value,)
    return "x".join(f"{number:.6g}" for number in numbers)
