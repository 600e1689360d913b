"""Adsorption at several levels: every job once, and at each level the same ones."""

from collections import Counter
from pathlib import Path

import pytest

from iondrill.config.models import AdsorptionStage, Config
from iondrill.prepare.plan import Plan

LEVELS = {"gfn2": {"engine": "xtb"}, "pbe-d3": {"engine": "cp2k"}, "vasp": {"engine": "vasp"}}


@pytest.mark.parametrize("level", ["pbe-d3", ["gfn2"], ["gfn2", "pbe-d3", "vasp"], ["gfn2", "gfn2"]])
def test_one_clean_slab_and_one_atom_of_each_level_serve_all_sites(level, recipes: Path, tmp_path: Path):
    stage = {"level": level, "facets": ["C100-2x1"], "ions": ["Li", "Na"], "sites": ["cave", "pedestal"]}
    plan = Plan(
        Config.model_validate(
            {"levels": LEVELS, "adsorption": stage, "structures": str(recipes), "results": str(tmp_path)}
        )
    )
    jobs = plan.adsorption.jobs()
    names = [level] if isinstance(level, str) else list(dict.fromkeys(level))
    assert Counter(job.level for job in jobs) == dict.fromkeys(names, 1 + 2 + 2 * 2)
    assert len(set(jobs)) == len(jobs)
    for name in names:
        subjects = [job.stem for job in jobs if job.level == name]
        assert subjects.count("C100-2x1.clean") == subjects.count("atom.Li") == subjects.count("atom.Na") == 1
        assert subjects == [job.stem for job in plan.adsorption.at_level(name)]


def test_the_default_is_one_level():
    assert AdsorptionStage().levels == ["gfn2"]
