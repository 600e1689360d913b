"""A Slurm of our own for the tests of the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faultdrill.slurm import Slurm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Bring up a Slurm, and take it down again."""
    with Slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running
