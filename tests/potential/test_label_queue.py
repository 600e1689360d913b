"""The queue of labels resumes where it ended, and takes next what has the fewest labels."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import yaml

from iondrill.potential.labels import Store

if TYPE_CHECKING:
    from pathlib import Path

CAGE = {"structure": "nd10", "saturate": True, "steps": 6, "frames": 3}
CONFIG = {
    "levels": {"gfn2": {"engine": "xtb"}, "reference": {"engine": "xtb", "accuracy": 0.5}},
    "potential": {
        "reference": "reference",
        "explore": {
            "cold": {**CAGE, "kind": "first", "temperatures_K": [300], "seeds": [1, 2]},
            "warm": {**CAGE, "kind": "second", "temperatures_K": [500], "seeds": [1]},
        },
    },
}


def queue(folder: Path, root: Path, most: int) -> Counter[str]:
    config = {**CONFIG, "structures": str(root / "structures")}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, str(root / "tools/label_queue.py"), "--work", str(folder / "work"), "--most", str(most)]
    done = subprocess.run([*command, "config.yaml"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Counter(str(label.info["group"]) for label in Store(folder / "work/labels").labels())


def test_a_queue_that_ended_goes_on_and_covers_kinds_evenly(tmp_path: Path, root: Path) -> None:
    # the two kinds first, and of the one with two trajectories each once
    assert queue(tmp_path, root, 4) == {"cold-300K-s1": 1, "cold-300K-s2": 1, "warm-500K-s1": 2}
    before = {path: path.stat().st_mtime_ns for path in Store(tmp_path / "work/labels").files()}
    # all that is left: three frames of each trajectory, those that are there not again
    assert queue(tmp_path, root, 100) == {"cold-300K-s1": 3, "cold-300K-s2": 3, "warm-500K-s1": 3}
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
