"""What a convergence study says: its table, the cheapest value of each setting that will do, and an error estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ase.units import Bohr, Hartree

from iondrill.analyse.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from iondrill.analyse.energies.convergence import Curve, Sample
    from iondrill.config.convergence import Study, Tolerance

COLUMNS = (
    *("parameter", "value", "own", "level", "energy_eV", "energy_difference_meV_atom"),
    *("force_difference_max_eV_A", "force_difference_max_Ha_bohr"),
    *("force_difference_rms_eV_A", "force_difference_rms_Ha_bohr", "E_ads_eV", "E_ads_difference_meV"),
    *("within_tolerance", "density_on_edge", "n_scf_cycles", "core_s", "core_s_relative", "status"),
)


class _Estimate(NamedTuple):
    """Errors of own values added up, and the settings with and without such an error."""

    total: float | None
    covers: list[str]
    lacks: list[str]


def table_row(sample: Sample, curve: Curve, tolerance: Tolerance) -> dict[str, Any]:
    """Return a row of ``convergence/<study>.csv``; no number from what did not converge.

    SCF cycles and core seconds are those of the structure itself, also in a study of an adsorption energy.
    """
    difference, usable = curve.difference(sample), sample.converged
    finest_s = curve.finest.result.core_s if curve.finest else 0.0
    to_atomic = Bohr / Hartree
    largest, rms = difference.force_max_eV_A, difference.force_rms_eV_A
    return {
        "parameter": sample.parameter,
        "value": shown(sample.value),
        "own": "yes" if sample.own else "no",
        "level": sample.result.level,
        "energy_eV": sample.result.energy_eV if usable else None,
        "energy_difference_meV_atom": difference.energy_meV_atom,
        "force_difference_max_eV_A": largest,
        "force_difference_max_Ha_bohr": None if largest is None else largest * to_atomic,
        "force_difference_rms_eV_A": rms,
        "force_difference_rms_Ha_bohr": None if rms is None else rms * to_atomic,
        "E_ads_eV": sample.E_ads_eV,
        "E_ads_difference_meV": difference.E_ads_meV,
        "within_tolerance": None if sample.status != "converged" else "yes" if difference.within(tolerance) else "no",
        "density_on_edge": "yes" if sample.on_the_edge else "no",
        "n_scf_cycles": sample.result.n_scf_cycles,
        "core_s": sample.result.core_s,
        "core_s_relative": sample.result.core_s / finest_s if usable and finest_s else None,
        "status": sample.status,
    }


def write_csv(found: Sequence[Curve], tolerance: Tolerance, path: Path) -> None:
    """Write ``convergence/<study>.csv``, from coarse to fine."""
    rows = (table_row(sample, curve, tolerance) for curve in found for sample in curve.samples)
    write_table(path, COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def summary(study: Study, title: str, found: Sequence[Curve]) -> dict[str, Any]:
    """Return what a study says: for each setting the cheapest value that will do, and the error of the own value.

    The error estimate of the study's level adds up the absolute differences of its own values to the finest ones,
    over the settings for which they are known, and says which these are. A setting whose own value is the finest has
    no known error, and is not covered; without any setting there is no estimate.

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
