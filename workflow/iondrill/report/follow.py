"""``iondrill report --follow``: the page of a workflow that runs, on the loopback address alone, until it ends."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from iondrill.collect.progress import progress
from iondrill.prepare.plan import Plan
from iondrill.report.data import ENDED
from iondrill.report.partial import render_so_far

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


def server_of(follower: Follower, token: str, folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """Return a server on the loopback address: of the page, its state and the files of the results.

    Parameters
    ----------
    follower : Follower
        Has the page.
    token : str
        What every address begins with, so that nobody can guess one.
    folder : Path
        The results; their files can be read, and nothing outside of them.
    port : int
        0: any that is free.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start, asked = f"/{token}/", urlsplit(self.path).path
            here = {f"{name}:{server.server_port}" for name in (LOOPBACK, "localhost")}  # none that a name was bent to
            if self.headers.get("Host") not in here or not asked.startswith(start):
                self.send_error(HTTPStatus.NOT_FOUND)
            elif (name := asked.removeprefix(start)) in {"", "state"}:
                content = follower.state() if name else follower.page
                self._begin("application/json" if name else "text/html")
                self.wfile.write(content.encode())
            elif (path := file_below(folder, name)) is not None:
                with suppress(ConnectionError), path.open("rb") as file:  # a reader may leave before its end
                    self._begin(kind_of(path), "default-src 'none'; style-src 'unsafe-inline'; sandbox")
                    shutil.copyfileobj(file, self.wfile)
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _begin(self, kind: str, policy: str = "") -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: a line a request would drown what the user ran."""

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    return server


def file_below(folder: Path, name: str) -> Path | None:
    """Return a file of a folder by its quoted relative path; None if it is not there, or lies elsewhere."""
    try:
        path = (folder / unquote(name)).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there, links in a circle, or no name of a file
        return None
    return path if path.is_file() and path.is_relative_to(folder.resolve()) else None


def kind_of(path: Path) -> str:
    """Return the type of a file for a browser: an image, plain text or bytes; never a page, which could run scripts."""
    guessed = guess_type(path.name)[0] or ""
    if guessed.startswith("image/"):
        return guessed
    with path.open("rb") as file:
        return "application/octet-stream" if b"\0" in file.read(8192) else "text/plain"


def follow(config: Config, port: int = 0, say: Callable[[str], None] = print, pause_s: float = PAUSE_S) -> None:
    """Serve the page of a workflow while it runs; stop when its end has been read, or nobody has read for long.

    Parameters
    ----------
    config : Config
        The configuration of the run.
    port : int
        0: any that is free.
    say : callable
        Takes the lines that tell where the page is.
    pause_s : float
        Least time between two pages.
    """
    plan = Plan(config)
    follower = Follower(lambda: standing(plan), lambda: render_so_far(config))
    token = secrets.token_urlsafe(24)
    with server_of(follower, token, plan.results, port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"The page, for this machine alone: http://{LOOPBACK}:{server.server_port}/{token}/")
        try:
            follower.run(pause_s)
        finally:
            server.shutdown()
    say("The workflow has ended." if follower.standing.done else "Nobody reads the page.")
