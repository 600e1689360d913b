"""A short drill: small runs suffer faults, here and under a real Slurm, and end as if nothing had happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faultdrill.campaign import Campaign, failures
from faultdrill.faults import FAULTS, SLOW

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]

SEED = 7


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """Return a drill whose undisturbed run, made here, serves all tests."""
    with Campaign(tmp_path_factory.mktemp("drill") / "disk") as running, pytest.MonkeyPatch.context() as patch:
        for kind in SLOW:  # a minute each
            patch.delitem(FAULTS, kind)
        yield running


def test_local_runs_that_suffer_random_faults_end_as_if_nothing_had_happened(drill: Campaign) -> None:
    outcomes = list(drill.strike("local", "short", 3, SEED))
    assert not failures(outcomes), [outcome.plain() for outcome in failures(outcomes)]
    assert sum(len(outcome.faults) for outcome in outcomes) == 3


def test_runs_through_slurm_go_on_after_a_cancelled_job_and_a_killed_driver(drill: Campaign) -> None:
    """Started again while the orphan runs, the second copy waits for its folder; a random fault comes last."""
    drill.put_on_top("Slurm", "short", ["scancel", "driver killed"])
    outcomes = list(drill.strike("Slurm", "short", 3, SEED))
    assert not failures(outcomes), [outcome.plain() for outcome in failures(outcomes)]
    assert {"scancel", "driver killed"} <= {kind for outcome in outcomes for kind, _ in outcome.faults}
    assert all(outcome.extra_cycles < 1 for outcome in outcomes), "what was computed is not computed again"
