"""Label the frames of the section `potential` one after the other, for days if need be.

    python tools/label_queue.py --work FOLDER config.yaml examples/potential.yaml

The next is always of the kind, and of it the trajectory, that has the fewest labels. Killed and
started again it resumes: trajectories resume, labels that are kept are not made again, a frame whose reference did not
converge is noted in `failed.json` next to the labels and passed over.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.config.project import read_config
from iondrill.engines.base import StoppedError
from iondrill.engines.external.launch import only_one
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.potential import explore
from iondrill.potential.labels import Store, digest_of, label, read_label, sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms

    from iondrill.config.models import Config


class Queue:
    """Frames to label, and where everything is kept."""

    def __init__(self, config: Config, work: Path, labels: Path, level: str | None) -> None:
        assert config.potential is not None
        self.config, self.stage, self.work = config, config.potential, work
        self.level = level or self.stage.reference
        self.store, self.failed = Store(labels), labels.parent / "failed.json"

    def frames(self, trajectory: explore.Trajectory) -> Iterator[Atoms]:
        """Yield the frames of a trajectory; it is run when the first is asked for."""
        one = self.stage.explore[trajectory.exploration]
        level = one.level or self.stage.level
        try:
            whole = explore.explore(self.config, one, trajectory, level, self.work / "explore" / trajectory.name)
        except StoppedError:
            raise  # it resumes when it is run again
        except UserError as error:
            self.note(trajectory.name, str(error))
            return
        yield from explore.frames_of(one, trajectory, whole, self.stage.vacuum_A)

    def note(self, what: str, why: str) -> None:
        """Keep what did not go, and why."""
        known = json.loads(self.failed.read_text()) if self.failed.is_file() else {}
        write_text(self.failed, json.dumps({**known, what: why}, indent=1, sort_keys=True) + "\n")

    def run(self, most: int | None) -> None:
        """Label everything, each time a frame of the kind, and then of the trajectory, that has the fewest labels."""
        trajectories = explore.trajectories(self.stage.explore)
        done: Counter[str] = Counter()
        for path in self.store.files():
            found = read_label(path)
            done.update([f"kind {found.info['kind']}", f"group {found.info['group']}"])
        waiting = {one: self.frames(one) for one in trajectories}
        number = 0
        while waiting and (most is None or number < most):
            names = {one: (f"kind {self.kind(one)}", f"group {one.name}") for one in waiting}
            chosen = min(waiting, key=lambda one: [done[name] for name in names[one]])
            if (frame := next(waiting[chosen], None)) is None:
                del waiting[chosen]
            elif self.one(frame):
                done.update(names[chosen])
                number += 1

    def kind(self, trajectory: explore.Trajectory) -> str:
        """Return the kind of a trajectory's frames."""
        return self.stage.explore[trajectory.exploration].kind or trajectory.exploration

    def one(self, frame: Atoms) -> bool:
        """Label a frame, unless it is known; say whether it has cost anything."""
        level = sampled(self.config.levels[self.level], frame, self.stage.kpoint_length_A)
        digest = digest_of(level, frame)
        if self.failed.is_file() and digest in json.loads(self.failed.read_text()):
            return False
        group = frame.info["group"]
        before = sorted(self.work.glob(f"label/{group}/*/result.json"), key=lambda path: path.stat().st_mtime)
        guess = [path.parent for path in before if same_atoms(path.parent, frame)][-1:]
        began = time.monotonic()
        folder = self.work / "label" / group / f"{digest}"
        try:
            path, result = label(frame, self.level, level, self.store, folder, guess_from=guess)
        except StoppedError:
            raise
        except UserError as error:
            self.note(digest, f"{group} step {frame.info['step']}: {error}")
            return True
        if result is None:
            return False
        if path is None:
            self.note(digest, f"{group} step {frame.info['step']}: {result.status}, {result.attempts[-1].reason}")
        print(
            time.strftime("%H:%M:%S"), group, frame.info["step"], frame.get_chemical_formula(), result.status,
            f"{result.n_scf_cycles} cycles {time.monotonic() - began:.0f} s", "guess" if guess else "", flush=True,
        )  # fmt: skip
        return True


def same_atoms(folder: Path, frame: Atoms) -> bool:
    """Say whether a labelled frame has the same atoms in the same order."""
    from ase.io import read

    try:
        atoms: Any = read(folder / "structure.extxyz", format="extxyz")
    except (OSError, ValueError):
        return False
    return bool(atoms.get_chemical_symbols() == frame.get_chemical_symbols())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configfiles", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder of trajectories and jobs")
    parser.add_argument("--level", help="another level than the stage's reference")
    parser.add_argument("--labels", type=Path, help="another folder of labels")
    parser.add_argument("--most", type=int, help="label so many frames and stop")
    given = parser.parse_args()
    config = read_config(*given.configfiles)
    if config.potential is None:
        sys.exit("the configuration has no section `potential`")
    labels = given.labels or Path(config.potential.labels or given.work / "labels")
    given.work.mkdir(parents=True, exist_ok=True)
    with only_one(given.work / "lock"):
        Queue(config, given.work, labels, given.level).run(given.most)


if __name__ == "__main__":
    main()
