"""``iondrill report --follow``: the page of a workflow that runs, on the loopback address alone, until it ends."""

from __future__ import annotations

import json
import secrets
import threading
import time
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from iondrill.collect.progress import progress
from iondrill.prepare.plan import Plan
from iondrill.report.data import ENDED
from iondrill.report.partial import render_so_far

if TYPE_CHECKING:
    from collections.abc import Callable

    from iondrill.config.models import Config

LOOPBACK = "127.0.0.1"
PAUSE_S, IDLE_S = 10.0, 600.0
"""Least time between two pages, and how long the server waits for a reader."""


class Standing(NamedTuple):
    """How far a workflow is: in words, whether all its jobs have ended, and a text that changes with either."""

    words: str
    done: bool
    mark: str


def standing(plan: Plan) -> Standing:
    """Return how far the jobs of a plan are; only their folders are read."""
    jobs = [progress(plan.results, job.stage, job.name) for job in plan.executed()]
    ended = sum(job.state in ENDED for job in jobs)
    failed = sum(job.state in {"not_converged", "failed"} for job in jobs)
    words = f"{ended} of {len(jobs)} jobs have ended" + (f", {failed} of them did not converge" if failed else "")
    mark = json.dumps([(job.stage, job.name, job.state, job.step) for job in jobs])
    return Standing(words, ended == len(jobs), mark)


class Follower:
    """The newest page of a workflow, made again when something has changed.

    Parameters
    ----------
    ask : callable
        Returns how far the workflow is.
    make : callable
        Returns the page.
    """

    def __init__(self, ask: Callable[[], Standing], make: Callable[[], str]) -> None:
        self._ask, self._make = ask, make
        self.stopped, self.asked_s = threading.Event(), time.monotonic()
        self.standing = ask()
        self.page = make()
        self.told_done = False

    @property
    def mark(self) -> str:
        """A short text that is another for another page."""
        return sha256(self.page.encode()).hexdigest()[:16]

    def state(self) -> str:
        """Return what the page asks for, as JSON, and note that somebody reads."""
        self.asked_s = time.monotonic()
        self.told_done = self.standing.done
        return json.dumps({"page": self.mark, "words": self.standing.words, "done": self.standing.done})

    def run(self, pause_s: float = PAUSE_S, idle_s: float = IDLE_S) -> None:
        """Make the page again when something has changed, until the reader has that of the end, or nobody reads."""
        while not self.stopped.wait(pause_s):
            if self.told_done or time.monotonic() - self.asked_s > idle_s:
                return
            now = self._ask()
            if now.mark != self.standing.mark:
                self.page = self._make()
                self.standing = now


def server_of(follower: Follower, token: str, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of the page and its state on the loopback address, below a token that nobody can guess."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers: dict[str, tuple[str, Callable[[], str]]] = {
                f"/{token}/": ("text/html", lambda: follower.page),
                f"/{token}/state": ("application/json", follower.state),
            }
            here = {f"{name}:{server.server_port}" for name in (LOOPBACK, "localhost")}  # none that a name was bent to
            if self.headers.get("Host") not in here or self.path not in answers:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            kind, answer = answers[self.path]
            content = answer().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: a line a request would drown what the user ran."""

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    return server


def follow(config: Config, port: int = 0, say: Callable[[str], None] = print) -> None:
    """Serve the page of a workflow while it runs; stop when its end has been read, or nobody has read for long.

    Parameters
    ----------
    config : Config
        The configuration of the run.
    port : int
        0: any that is free.
    say : callable
        Takes the lines that tell where the page is.
    """
    plan = Plan(config)
    follower = Follower(lambda: standing(plan), lambda: render_so_far(config))
    token = secrets.token_urlsafe(24)
    with server_of(follower, token, port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"The page, for this machine alone: http://{LOOPBACK}:{server.server_port}/{token}/")
        try:
            follower.run()
        finally:
            server.shutdown()
    say("The workflow has ended." if follower.standing.done else "Nobody reads the page.")
