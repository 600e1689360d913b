"""A short drill: small runs suffer random faults, here and under Slurm, and end as if nothing had happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faultdrill.campaign import campaign, failures
from faultdrill.faults import FAULTS, SLOW

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.workflow, pytest.mark.slurm, pytest.mark.xdist_group("slurm")]

SEED = 7
PLAN = [("local", "short", 3), ("Slurm", "short", 2)]


def test_runs_that_suffer_faults_end_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in SLOW:  # a minute each
        monkeypatch.delitem(FAULTS, kind)
    outcomes = list(campaign(tmp_path / "drill", PLAN, SEED))
    assert not failures(outcomes), [outcome.plain() for outcome in failures(outcomes)]
    assert sum(len(outcome.faults) for outcome in outcomes) == sum(number for *_, number in PLAN)
