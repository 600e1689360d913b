"""The lowest of several multiplicities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.engines.base import AttemptEntry, Result, SpinState, Status

if TYPE_CHECKING:
    from collections.abc import Mapping


def keep_lowest(results: Mapping[int, Result]) -> tuple[Result, int | None]:
    """Return the record of the multiplicity of lowest energy, with the energies of all.

    Parameters
    ----------
    results : mapping of int to Result
        Records of one structure at one level, by multiplicity; at least one. Those that did not converge never win.

    Returns
    -------
    Result
        It cost nothing itself: the cost is in the records of the multiplicities. ``not_converged`` or ``failed``,
        and without an energy, if none converged.
    int or None
        The multiplicity that is kept.
    """
    energies_eV = {m: r.energy_eV for m, r in results.items() if r.status == "converged" and r.energy_eV is not None}
    kept = min(energies_eV, key=energies_eV.__getitem__, default=None)
    states = [
        SpinState(multiplicity=m, status=result.status, energy_eV=energies_eV.get(m), kept=m == kept)
        for m, result in results.items()
    ]
    outcomes = "; ".join(f"multiplicity {m}: {_outcome(result)}" for m, result in results.items())
    reason = f"no multiplicity converged ({outcomes})" if kept is None else f"multiplicity {kept} kept ({outcomes})"
    status: Status = "converged"
    if kept is None:
        status = "failed" if all(result.status == "failed" for result in results.values()) else "not_converged"
    record = next(iter(results.values())) if kept is None else results[kept]
    update = {"status": status, "spin_states": states, "attempts": [AttemptEntry(reason=reason)]}
    unpaid = {"wall_s": 0.0, "core_s": 0.0}
    numbers = {} if kept is not None else {"energy_eV": None, "max_force_eV_A": None}
    return record.model_copy(update={**update, **unpaid, **numbers}), kept


def _outcome(result: Result) -> str:
    """Say what became of one multiplicity."""
    if result.status == "converged":
        return f"{result.energy_eV:.6f} eV"
    return result.status + (f", {result.attempts[-1].reason}" if result.attempts else "")
