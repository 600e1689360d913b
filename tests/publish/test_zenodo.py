"""A draft on a stand-in for Zenodo: what arrives, where the token goes, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from finished import DATASET, WHY

from iondrill.cli import main
from iondrill.errors import UserError
from iondrill.publish.zenodo import deposit

TOKEN = "a-token-of-the-test"  # noqa: S105
CITATION = """
cff-version: 1.2.0
title: iondrill
authors:
- family-names: Curie
  given-names: Marie
  orcid: https://orcid.org/0000-0002-1825-0097
  affiliation: Sorbonne
- name: A group
repository-code: https://example.org/iondrill
keywords: [nanodiamond, lithium]
"""


class StandIn(BaseHTTPRequestHandler):
    """Answers as Zenodo's deposit API does, and keeps what it got."""

    def do_POST(self):
        self.answer(201, {"id": 7, "links": {"bucket": self.server.bucket, "html": f"{self.server.here}/deposit/7"}})

    def do_PUT(self):
        self.answer(201, {})

    def answer(self, code, content):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.command, self.path, dict(self.headers), body))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            code, content = 401, {"message": "no such token"}
        elif self.command == "PUT":
            content["checksum"] = f"md5:{hashlib.md5(body + self.server.spoil, usedforsecurity=False).hexdigest()}"
        if self.server.moved and self.command == "POST":
            code = 307
        self.send_response(code)
        self.send_header("Location", self.server.moved)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.here = f"http://127.0.0.1:{server.server_port}"
    server.bucket, server.got, server.spoil, server.moved = f"{server.here}/api/files/b", [], b"", ""
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def crate(tmp_path):
    (tmp_path / "crate.zip").write_bytes(b"a crate")
    return tmp_path / "crate.zip"


def test_a_draft_has_the_metadata_and_the_crate(here, service, monkeypatch, capsys):
    (here / "CITATION.cff").write_text(CITATION)
    monkeypatch.setenv("ZENODO_TOKEN", TOKEN)
    before = set(here.rglob("*"))
    assert main(["publish", "--to", "zenodo", "--url", service.here]) == 0
    said = capsys.readouterr()
    assert f"publish it: {service.here}/deposit/7" in said.out
    (method, path, headers, body), (put, where, _, file) = service.got
    assert (method, path, headers["Content-Type"]) == ("POST", "/api/deposit/depositions", "application/json")
    metadata = json.loads(body)["metadata"]
    assert metadata["creators"] == [
        {"name": "Curie, Marie", "affiliation": "Sorbonne", "orcid": "0000-0002-1825-0097"},
        {"name": "A group"},
    ]
    assert metadata["upload_type"] == "dataset"
    assert metadata["keywords"] == ["nanodiamond", "lithium"]
    related = {each["relation"]: each["identifier"] for each in metadata["related_identifiers"]}
    assert related == {
        "isSupplementTo": "https://doi.org/10.1002/eem2.12749",
        "isCompiledBy": "https://example.org/iondrill",
    }
    assert f"no energy; {WHY}." in metadata["description"]
    assert "Missing: report.html" in metadata["description"]
    assert (put, where) == ("PUT", "/api/files/b/crate.zip")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert "ro-crate-metadata.json" in archive.namelist()
        assert all(DATASET.encode() not in archive.read(name) for name in archive.namelist())
    # the token is in no file, no output, no address and no body
    assert set(here.rglob("*")) == before
    assert TOKEN not in said.out + said.err + path + where
    assert TOKEN.encode() not in body + file


def test_without_a_token_or_with_a_wrong_one_nothing_is_made(here, service, monkeypatch, capsys):
    (here / "CITATION.cff").write_text(CITATION)
    monkeypatch.delenv("ZENODO_TOKEN", raising=False)
    assert main(["publish", "--to", "zenodo", "--url", service.here]) == 1
    assert "ZENODO_TOKEN: is not set" in capsys.readouterr().err
    assert service.got == []
    monkeypatch.setenv("ZENODO_TOKEN", "another")
    assert main(["publish", "--to", "zenodo", "--url", service.here]) == 1
    said = capsys.readouterr().err
    assert "POST was answered with 401" in said
    assert "another" not in said


def test_somebody_has_created_it(here, monkeypatch, capsys):
    (here / "CITATION.cff").write_text("title: iondrill\n")
    monkeypatch.setenv("ZENODO_TOKEN", TOKEN)
    assert main(["publish", "--to", "zenodo", "--dry-run"]) == 1
    assert "CITATION.cff: names no authors" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://example.org", "file://localhost/tmp", "ftp://127.0.0.1", "example.org"])
def test_a_token_goes_over_https_alone(crate, address):
    with pytest.raises(UserError, match="is no https address"):
        deposit(address, TOKEN, {}, crate)


def test_the_token_and_the_file_go_nowhere_else(service, crate):
    service.bucket = "http://localhost:1/elsewhere"
    with pytest.raises(UserError, match="asks for the file at another address"):
        deposit(service.here, TOKEN, {}, crate)
    service.moved = f"http://localhost:{service.server_port}/other"
    with pytest.raises(UserError, match="answered with 307"):
        deposit(service.here, TOKEN, {}, crate)
    assert [path for _, path, _, _ in service.got] == ["/api/deposit/depositions"] * 2


def test_what_arrives_is_compared(service, crate):
    assert deposit(service.here, TOKEN, {}, crate) == f"{service.here}/deposit/7"
    service.spoil = b"!"
    with pytest.raises(UserError, match="has received something else"):
        deposit(service.here, TOKEN, {}, crate)


def test_a_service_that_is_not_there(crate):
    with pytest.raises(UserError, match="cannot be reached"):
        deposit("http://127.0.0.1:9", TOKEN, {}, crate)
