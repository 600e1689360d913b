"""Which frames the cheap labels are made of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ase.build import molecule

from iondrill.config.models import Config
from iondrill.potential.plan import PotentialPlan
from iondrill.potential.pretrain import frames_to_label


def test_frames_that_an_exploration_displaced_are_taken_as_they_are_others_are_displaced() -> None:
    explore = {"soft": {"structure": "nd10", "rattle_A": 0.01}, "hot": {"structure": "nd10"}}
    stage = {"reference": "gfn2", "explore": explore, "pretrain": {"copies": 3, "rattle_A": 0.05}}
    plan = PotentialPlan(Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}}, "potential": stage}))
    frames = []
    for group in plan.trajectories():
        frame = molecule("CH4", vacuum=4.0)
        frame.info = {"kind": "any", "group": group, "step": 7}
        frames.append(frame)
    found = frames_to_label(plan, frames, [])
    by_group = {group: [one for one in found if one.info["group"] == group] for group in plan.trajectories()}
    (soft,) = by_group["soft-300K-s1"]
    assert np.array_equal(soft.positions, frames[0].positions)
    hot = by_group["hot-300K-s1"]
    assert len(hot) == 3
    for one, another in pairwise([frames[1], *hot]):
        assert 0 < np.abs(one.positions - another.positions).max() < 0.5
