"""The badge of a level says how far it is to be trusted, and a verification of a run counts more."""

from types import SimpleNamespace

import pytest

from iondrill.config.levels import AseLevel, Cp2kLevel, XtbLevel
from iondrill.report.sections.trust import badge, badge_of_energies

LEVELS = {
    "a": XtbLevel(engine="xtb"),
    "b": XtbLevel(engine="xtb", method="GFN1-xTB"),
    "c": Cp2kLevel(engine="cp2k", functional="PBE"),
    "fit": SimpleNamespace(learned=True),
    "own": SimpleNamespace(learned=False, reference="somebody's"),
}
RESULTS = SimpleNamespace(
    config=SimpleNamespace(levels=LEVELS), title_of=lambda name: f"level {name}", differences=None
)


def test_each_method_has_its_word_and_its_reason():
    found = {name: badge(RESULTS, name) for name in "abc"}
    assert [found[name].trust for name in "abc"] == ["preview", "preview", "DFT"]
    assert "sodium" in found["b"].says
    assert len({each.says for each in found.values()}) == 3
    assert found["a"].title == "level a"


@pytest.mark.parametrize(("level", "trust"), [("gone", ""), ("own", ""), ("fit", "not verified")])
def test_of_what_nothing_is_known_nothing_is_claimed(level, trust):
    assert badge(RESULTS, level).trust == trust


@pytest.mark.parametrize(
    ("verdict", "trust"), [("trusted", "verified"), ("doubtful", "doubtful"), ("refused", "refused")]
)
def test_a_run_has_the_verdict_of_its_verification(verdict, trust):
    run = SimpleNamespace(verification=SimpleNamespace(verdict=verdict, sentence="what was compared"))
    assert badge(RESULTS, "a", run)[1:] == (trust, "what was compared.")
    assert badge(RESULTS, "a", SimpleNamespace(verification=None)).trust == "preview"


@pytest.mark.parametrize(
    ("off_eV", "trust"),
    [((0.1, -0.05, 0.14), "verified"), ((0.1, -0.05, 0.2), "doubtful"), ((0.1, 0.05), "not verified")],
)
def test_energies_beside_those_of_the_reference_say_how_far_a_fit_is_to_be_trusted(off_eV, trust):
    """Within 0.15 eV, at three or more; of another level nothing is said by them."""
    fit = AseLevel(engine="ase", calculator="MACE")
    config = SimpleNamespace(levels={"fit": fit, "other": fit, "c": LEVELS["c"]})
    rows = [{"level": "fit", "against": "c", "dE_ads_eV": off} for off in off_eV]
    results = SimpleNamespace(config=config, title_of=str, differences=SimpleNamespace(rows=rows))
    assert badge_of_energies(results, "fit").trust == trust
    assert f"{len(off_eV)} energies" in badge_of_energies(results, "fit").says
    assert badge_of_energies(results, "other").trust == "not verified"
    # of runs at that level they say nothing
    assert badge(results, "fit", SimpleNamespace(verification=None)).trust == "not verified"
