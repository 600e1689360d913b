"""Shared fixtures; and engines: a test that needs one either runs it, or the run says why not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from iondrill.engines.xtb import blas

# before a test imports tblite
blas.bind()

# a loaded machine must fail no test
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "cp2k": ("cp2k.psmp", "as root on Debian: apt-get install cp2k libopenblas0"),
    "chromium": ("chromium", "as root on Debian: apt-get install chromium"),
    "modules": ("modulecmd", "as root on Debian: apt-get install environment-modules"),
    "optimade": (str(ROOT / ".venv-optimade/bin/optimake"), "make optimade-environment"),
    "torchnep": (str(ROOT / ".venv-fit/bin/python"), "make fit-environment"),
    "slurm": ("slurmctld", "as root on Debian: apt-get install slurm-wlm munge"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-engines", action="store_true", help="fail, rather than skip, the tests whose engine is not installed"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is remembered between runs out of the home of who tests."""
    os.environ["XDG_CACHE_HOME"] = str(config.rootpath / ".pytest_cache/iondrill")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first, so that no worker is left alone with them."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("workflow", "slurm", "cp2k")])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (program, install) in PROGRAMS.items():
        if item.get_closest_marker(marker) and shutil.which(program) is None:
            reason = f"{program} is not installed: {install}"
            if item.config.getoption("--require-engines"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def recipes() -> Path:
    """Return the folder of the shipped recipes."""
    return ROOT / "structures"
