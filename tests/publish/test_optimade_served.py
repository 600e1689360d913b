"""What is written for OPTIMADE, converted and served by optimade-maker: a query gives the energies of the table."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from finished import REFUSED, WHY, key, read_rows

from iondrill.cli import main

OPTIMAKE = Path(__file__).parents[2] / ".venv-optimade/bin/optimake"
START_S = 120

pytestmark = pytest.mark.optimade


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def query(project, tmp_path_factory):
    """Return what the served structures answer to a filter."""
    folder = tmp_path_factory.mktemp("served") / "optimade"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert main(["publish", "--to", "optimade", "-o", str(folder)]) == 0
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("OPTIMA")}
    run = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run([OPTIMAKE, "convert", str(folder)], check=False, text=True, **run)
    assert done.returncode == 0, done.stdout
    assert "Mismatch" not in done.stdout  # between properties and their definitions
    assert "Could not find" not in done.stdout
    port = free_port()
    with (folder / "served.log").open("wb") as log:
        served = subprocess.Popen(
            [OPTIMAKE, "serve", "--port", str(port), str(folder)], env=environment, stdout=log, stderr=log
        )

    def ask(filter_, *fields):
        names = ",".join(f"_optimake_{field}" for field in fields)
        words = urlencode({"filter": filter_, "response_fields": names, "page_limit": 500})
        with urlopen(f"http://127.0.0.1:{port}/v1/structures?{words}", timeout=60) as response:
            found = json.loads(response.read())["data"]
        return [
            {name.removeprefix("_optimake_"): value for name, value in each["attributes"].items()} for each in found
        ]

    try:
        until = time.monotonic() + START_S
        while True:
            try:
                ask('_optimake_facet="none"', "e_ads")
                break
            except URLError:
                assert served.poll() is None, (folder / "served.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.3)
        yield ask
    finally:
        served.terminate()
        served.wait()


def test_a_query_gives_the_energies_of_the_table(query, project):
    rows = {key(row): row for row in read_rows(project)}
    found = query("_optimake_e_ads < 0", "e_ads", "facet", "adsorbate", "site")
    energies_eV = {key(each): each["e_ads"] for each in found}
    assert energies_eV == {name: float(row["E_ads_eV"]) for name, row in rows.items() if row["E_ads_eV"]}
    assert len(energies_eV) == len(rows) - 1


def test_a_refused_energy_is_served_as_refused(query):
    facet, ion, site = REFUSED
    words = f'_optimake_facet="{facet}" AND _optimake_adsorbate="{ion}" AND _optimake_site="{site}"'
    assert query(words, "e_ads", "status") == [{"e_ads": None, "status": WHY}]


def test_structures_are_found_by_what_optimade_has_itself(query):
    found = query('elements HAS ALL "C","Li" AND nelements=3 AND nsites=41', "facet")
    assert {each["facet"] for each in found} == {"C100-2x1"}
