"""The finished project that is handed on."""

from __future__ import annotations

import pytest
from finished import make_finished


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """Return the folder of a finished project; nobody changes it."""
    return make_finished(tmp_path_factory.mktemp("publish") / "project")


@pytest.fixture
def here(project, monkeypatch):
    """Work in the project."""
    monkeypatch.chdir(project)
    return project
