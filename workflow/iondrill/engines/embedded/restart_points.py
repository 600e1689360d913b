"""The points that dynamics and relaxations keep in their state: to resume from, and to say how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from iondrill.jobs.arrays import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")


def point_file(state: Path, step: int) -> Path:
    """Return the file of what else the step after this one needs."""
    return state / f"point-{step}.npz"


def guess_file(state: Path, step: int) -> Path:
    """Return the file of what the SCF after a step starts from."""
    return state / f"wavefunction-{step}.npz"


def kept_steps(state: Path) -> list[int]:
    """Return the steps whose points are kept, the last first."""
    return sorted((int(path.stem.removeprefix("point-")) for path in state.glob("point-*.npz")), reverse=True)


def whole_points(state: Path, read: Callable[[Path], T]) -> Iterator[tuple[int, T]]:
    """Give the kept points that can be read, each with its step, the last first."""
    for step in kept_steps(state):
        try:
            point = read(point_file(state, step))
        except UnreadableError:
            continue
        yield step, point
