"""How far a relaxation or a single point is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from iondrill.engines.external.logs import Log


class Standing(NamedTuple):
    """How far a job is.

    Attributes
    ----------
    step : int
        Ionic steps done, over all attempts.
    max_force_eV_A : float or None
        Largest force on an atom that may move, at the last geometry that was computed; None if there is none yet.
    scf_cycle : int
        Cycles of the SCF that has not ended; 0 where the engine keeps no log of it.
    pace_s : float or None
        Seconds for a geometry in the last attempt, the one that runs left out; None if it has computed none.
    """

    step: int = 0
    max_force_eV_A: float | None = None
    scf_cycle: int = 0
    pace_s: float | None = None


def of_log(log: Log[Any], step: int, force_eV_A: float | None, wall_s: float) -> Standing:
    """Return what a log says; the time of an SCF that has not ended goes by its share of the cycles."""
    done, pace_s = sum(scf.cycles for scf in log.scf), None
    if done and wall_s:
        pace_s = wall_s * done / log.n_cycles / len(log.scf)
    return Standing(step, force_eV_A, log.n_open_cycles, pace_s)
