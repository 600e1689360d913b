"""Each ending of an attempt is distinguished from the others, on logs that CP2K wrote."""

from __future__ import annotations

import pytest

from iondrill.config.models import Thermostat
from iondrill.engines.cp2k.handlers import HANDLERS, Ending, judge
from iondrill.engines.cp2k.output import Log
from iondrill.jobs.job import Md, Relax, Static

RELAX = Relax(fmax_eV_A=0.01, max_steps=2)
MD = Md(steps=6, timestep_fs=0.5, temperature_K=300, thermostat=Thermostat(), launch_m_s=0, save_every=1, seed=1)


@pytest.fixture
def ending(root):
    """Return a maker of endings from the name of a log and, perhaps, a part of it."""

    def make(name, task=Static(), *, until=None, said="", status=0, missing="", free_bytes=1 << 30):  # noqa: B008
        log = Log()
        if name:
            text = (root / f"tests/data/cp2k/{name}.out").read_text()
            log.feed(text[: text.index(until)] if until else text)
        return Ending(log, said, status, task, missing, free_bytes)

    return make


@pytest.mark.parametrize(
    ("name", "task", "given", "action", "reason"),
    [
        ("static", Static(), {}, "done", "finished"),
        ("relaxed", RELAX, {}, "done", "finished"),
        ("md", MD, {}, "done", "finished"),
        ("static", Static(), {"missing": "forces missing"}, "again", "incomplete: forces missing"),
        ("md", MD, {"missing": "the frames end at step 3, not 6"}, "again", "frames end at step 3"),
        ("wall-time", MD, {"missing": "frames"}, "stop", "wall time"),
        ("exit-file", MD, {"missing": "frames"}, "stop", "EXIT file"),
        ("unconverged", Static(), {}, "climb", "SCF not converged"),
        ("unconverged", Static(), {"status": -15}, "climb", "SCF not converged"),
        ("edge-open-shell", Static(), {}, "failed", "faces of the box"),
        ("not-relaxed", RELAX, {}, "not_converged", "not relaxed within 2 steps"),
        ("no-basis", Static(), {"status": 1}, "fresh", "NO-SUCH-BASIS"),
        ("bad-keyword", Static(), {"status": 1}, "fresh", "unknown keyword CUTOFFF"),
        ("md", MD, {"until": "MD| Step number", "status": -9, "missing": "x"}, "again", "killed by signal 9"),
        ("md", MD, {"until": "MD| Step number", "status": 137, "missing": "x"}, "again", "killed"),
        ("md", MD, {"until": "MD| Step number", "status": None, "missing": "x"}, "again", "killed"),
        ("disk-full", MD, {"missing": "x", "free_bytes": 0}, "refuse", "the disk is full"),
        ("disk-full", MD, {"missing": "x", "said": "write: No space left on device"}, "refuse", "the disk is full"),
        (
            "static",
            Static(),
            {"until": "SCF WAVE", "status": 2, "said": "Fortran runtime error: End of file"},
            "fresh",
            "",
        ),
        (None, Static(), {"status": 127, "said": "sh: cp2k: libmpi.so: not found"}, "refuse", "libmpi.so: not found"),
        (None, Static(), {"status": None}, "again", "killed"),
    ],
)
def test_the_verdict(*, name, task, given, action, reason, ending):
    verdict = judge(ending(name, task, **given))
    assert verdict.action == action
    assert reason in verdict.reason


def test_a_launcher_that_has_no_slots_is_quoted(root, ending):
    said = (root / "tests/data/cp2k/no-slots.txt").read_text()
    verdict = judge(ending(None, said=said, status=1))
    assert verdict.action == "refuse"
    assert "not enough slots" in verdict.reason


def test_every_handler_lets_a_sound_result_pass_or_knows_it(ending):
    known = [handler.__name__ for handler in HANDLERS if handler(ending("static"))]
    assert known == ["finished", "incomplete"]  # the last takes what no other knows


def test_a_sound_energy_needs_its_scf_and_the_end_of_the_program(ending):
    for until in ("PROGRAM ENDED", "ENERGY|", "*** SCF run converged"):
        assert judge(ending("static", until=until)).action == "again"
