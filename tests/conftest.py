"""Shared fixtures; and engines: a test that needs one either runs it, or the run says why not."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

from iondrill.engines.xtb import blas

if TYPE_CHECKING:
    from collections.abc import Generator

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# before a test imports tblite
blas.bind()

# a loaded machine must fail no test
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "cp2k": ("cp2k.psmp", "as root on Debian: apt-get install cp2k libopenblas0"),
    "chromium": ("chromium", "as root on Debian: apt-get install chromium"),
    "live": (str(ROOT / ".venv-live/bin/snkmt"), "make live-environment"),
    "modules": ("modulecmd", "as root on Debian: apt-get install environment-modules"),
    "optimade": (str(ROOT / ".venv-optimade/bin/optimake"), "make optimade-environment"),
    "torchnep": (str(ROOT / ".venv-fit/bin/python"), "make fit-environment"),
    "slurm": ("slurmctld", "as root on Debian: apt-get install slurm-wlm munge"),
}
PACKAGES = {"nep": ("nep_adapters", "pip install -e '.[potential]'")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-engines", action="store_true", help="fail, rather than skip, the tests that lack something"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is remembered between runs out of the home of who tests."""
    os.environ["XDG_CACHE_HOME"] = str(config.rootpath / ".pytest_cache/iondrill")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first, so that no worker is left alone with them."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("workflow", "slurm", "cp2k")])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for found, wanted in ((shutil.which, PROGRAMS), (find_spec, PACKAGES)):
        for marker, (name, install) in wanted.items():
            if item.get_closest_marker(marker) and found(name) is None:
                pytest.skip(f"{name} is not installed: {install}")


def strict(report: Report, config: pytest.Config) -> Report:
    """Turn a skip, whoever asked for it, into a failure where nothing may be left out."""
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("--require-engines"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{reason} (--require-engines)"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return strict((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return strict((yield), collector.config)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def recipes() -> Path:
    """Return the folder of the shipped recipes."""
    return ROOT / "structures"
