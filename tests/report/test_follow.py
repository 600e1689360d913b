"""A workflow that runs is followed: its frames so far are shown, on this machine alone, until it ends."""

from __future__ import annotations

import http.client
import json
import threading
import time

import pytest

from iondrill.config.models import Config
from iondrill.jobs.frames import FrameLog
from iondrill.prepare.plan import Plan
from iondrill.report.data import Run
from iondrill.report.follow import LOOPBACK, Follower, Standing, server_of
from iondrill.report.page.build import render
from iondrill.report.partial import render_so_far
from iondrill.report.running import running_runs

from .conftest import append


def config_of(folder):
    results = folder.read_so_far()
    return results.config


def test_the_frames_so_far_become_tables_and_no_result(going_on, start, tmp_path):
    folder, path = going_on
    config = config_of(folder)
    with FrameLog.open(path, len(start), forces=False, charges=False) as log:
        for last in (4, 8):
            append(log, {4: (0, 2, 4), 8: (6, 8)}[last], start)
            (run,) = running_runs(Plan(config), tmp_path / str(last))
            assert isinstance(run, Run)
            assert [int(row["step"]) for row in run.order.rows] == list(range(0, last + 1, 2))
    page = render_so_far(config)
    assert "Run drill goes on: 5 frames, 4 of 20 fs. What they show is no result yet." in page
    assert "connect-src &#39;self&#39;" in page or "connect-src 'self'" in page
    assert not (folder.results / "md/drill/order_parameters.csv").exists()
    assert "gap at the edge, run drill" not in page


def test_a_log_that_cannot_be_read_yet_is_no_trouble(going_on, tmp_path):
    folder, path = going_on
    path.write_bytes(b"begun")
    assert list(running_runs(Plan(config_of(folder)), tmp_path)) == []


def test_a_run_that_has_ended_is_not_read_again(folder, tmp_path):
    assert list(running_runs(Plan(config_of(folder)), tmp_path)) == []


class Workflow:
    """What a follower asks for."""

    def __init__(self) -> None:
        self.now = Standing("1 of 2 jobs have ended", done=False, mark="a")
        self.made = 0

    def ask(self):
        return self.now

    def make(self):
        self.made += 1
        return f"<p>page {self.made}</p>"


@pytest.fixture
def served(tmp_path):
    """Return a workflow, its follower and the server; results are in ``results``, a file of others is next to them."""
    (tmp_path / "results/md/a b").mkdir(parents=True)
    (tmp_path / "results/md/a b/events.csv").write_text("event,time_fs\n")
    (tmp_path / "results/own.html").write_text("<script>alert(1)</script>")
    (tmp_path / "results/frames.bin").write_bytes(b"\0\1")
    (tmp_path / "private").write_text("a key")
    (tmp_path / "results/out").symlink_to("../private")
    workflow = Workflow()
    follower = Follower(workflow.ask, workflow.make)
    with server_of(follower, "secret", tmp_path / "results") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield workflow, follower, server
        server.shutdown()


def get(server, path, host=None):
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    connection.request("GET", path, headers={"Host": host or f"{LOOPBACK}:{server.server_port}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_server_is_on_the_loopback_address_and_wants_its_token(served):
    _, _, server = served
    assert server.server_address[0] == "127.0.0.1"
    assert get(server, "/secret/") == (200, "<p>page 1</p>")
    for path, host in (("/", None), ("/wrong/", None), ("/secret/../x", None), ("/secret/", "elsewhere.example")):
        assert get(server, path, host)[0] == 404


def test_files_of_the_results_can_be_read(served):
    _, _, server = served
    assert get(server, "/secret/md/a%20b/events.csv") == (200, "event,time_fs\n")
    assert get(server, "/secret/frames.bin") == (200, "\0\1")


def test_a_page_among_the_results_is_text_and_runs_nothing(served):
    _, _, server = served
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    connection.request("GET", "/secret/own.html")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "../private",
        "%2e%2e/private",
        "..%2fprivate",
        "md/../../private",
        "md/%2e%2e/%2e%2e/private",
        "//{absolute}",
        "{absolute}",
        "%2f{absolute}",
        "out",
        "md",
        "md/a%20b/",
        "nothing.csv",
        "a%00b",
        "{long}",
    ],
)
def test_nothing_outside_of_the_results_can_be_read(served, tmp_path, path):
    _, _, server = served
    assert (tmp_path / "results/out").read_text() == "a key"
    asked = path.format(absolute=tmp_path / "private", long=1000 * "x")
    status, said = get(server, f"/secret/{asked}")
    assert status == 404
    assert "a key" not in said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(served, method):
    _, _, server = served
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    connection.request(method, "/secret/md/a%20b/events.csv", body="x")
    assert connection.getresponse().status == 501


def test_a_page_is_made_again_when_something_has_changed_and_the_end_ends_it(served):
    workflow, follower, server = served
    first = json.loads(get(server, "/secret/state")[1])
    assert not first["done"]
    running = threading.Thread(target=follower.run, kwargs={"pause_s": 0.02}, daemon=True)
    running.start()
    workflow.now = Standing("2 of 2 jobs have ended", done=True, mark="b")
    until = time.monotonic() + 20
    while not (now := json.loads(get(server, "/secret/state")[1]))["done"]:
        assert time.monotonic() < until
    assert now["page"] != first["page"]
    assert workflow.made == 2
    running.join(20)
    assert not running.is_alive()


def test_a_server_that_nobody_reads_stops(served):
    workflow, follower, _ = served
    follower.run(pause_s=0.01, idle_s=0.0)
    assert workflow.made == 1
    assert not follower.standing.done


def test_what_comes_is_no_failure(going_on):
    folder, _ = going_on
    (folder.results / "md/control/order_parameters.csv").unlink()
    results = folder.read_so_far()
    kept = [item for item in results.missing if item.state in {"waiting", "missing"}]
    assert kept
    assert isinstance(results.config, Config)
    page = render(type(results)(results.config, [], [], [], None, kept))
    assert "What is still to come" in page
    assert "What did not converge" not in page
