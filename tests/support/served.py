"""A real server on a real socket, in this process or its own, and a client of plain HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from orchestrator.cli.serve import Options, page_of
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest
from orchestrator.web.server import Server

PROJECT = Path(__file__).resolve().parents[2]
FARM = PROJECT / "tests" / "crash" / "farm"
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
PATIENCE = 60.0


def environment() -> dict[str, str]:
    """Nothing of this machine's settings for Python and Ansible."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON"))}
    return {**kept, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


def write_journal(folder: Path) -> Journal:
    """The journal of a plan folder, to be written by hand."""
    return Journal.open(folder / JOURNAL_NAME, clock=SystemClock())


def begin(journal: Journal, folder: Path, who: Who | None = None) -> None:
    """What a run writes before its first step."""
    who = who or Who.here()
    mark = digest(folder)
    journal.append(Kind.PLAN_APPROVED, digest=mark, by="ada", host=who.host)
    journal.append(Kind.RUN_STARTED, digest=mark, who=who.data())


@dataclass
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Client:
    """Speaks to a server on loopback; signed in or not."""

    port: int = 0
    cookie: str = ""
    csrf: str = ""
    token: str = ""
    url: str = field(init=False, default="")

    def ask(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """One request; names of headers with _ for -, empty ones are left out."""
        given = {"Host": f"127.0.0.1:{self.port}"}
        if method == "POST":
            given |= {
                "Origin": f"http://127.0.0.1:{self.port}",
                "Content-Type": "application/json",
                "X-CSRF-Token": self.csrf,
            }
        if self.cookie:
            given["Cookie"] = self.cookie
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            content = json.dumps(body).encode() if raw is None and body is not None else raw
            connection.request(method, path, content, {k: v for k, v in given.items() if v})
            answer = connection.getresponse()
            text = answer.read().decode()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, text)
        finally:
            connection.close()

    def sign_in(self) -> None:
        """Take a session for the token."""
        answer = self.ask("POST", "/api/session", {"token": self.token})
        assert answer.status == 200, answer.text
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.csrf = answer.json["csrf"]

    def updates(self, last: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """The stream of updates, each with its id; closed with the iterator."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        connection.request("GET", "/api/events", headers={k: v for k, v in headers.items() if v})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        number, limit = 0, time.monotonic() + PATIENCE
        try:
            while line := answer.readline().decode():
                name, _, value = line.rstrip("\n").partition(": ")
                assert time.monotonic() < limit, "no update came"
                if name == "id":
                    number = int(value)
                elif name == "data":
                    limit = time.monotonic() + PATIENCE
                    yield number, json.loads(value)
        finally:
            connection.close()


@dataclass
class Served(Client):
    """A server in this process, wired as the command does it.

    Parameters
    ----------
    options : Options or None
    """

    options: Options | None = None

    def __enter__(self) -> Self:
        assert self.options is not None
        self.page = page_of(self.options)
        self.url, self.token = self.page.url, self.page.token
        self.port = urlsplit(self.url).port or 0
        ready = threading.Event()
        self._server = Server(self.page.app, self.page.address, ready.set, self.page.end)
        self._thread = threading.Thread(target=self._server.serve_on, args=[self.page.socket])
        self._thread.start()
        assert ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self.page.socket.close()


@dataclass
class Command(Client):
    """`orchestrator serve` in a process of its own, which can be killed.

    Parameters
    ----------
    folder : Path
    options : tuple of str
        Besides the folder and the port, which is any free one and kept over `restart`.
    """

    folder: Path = Path()
    options: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["serve", str(self.folder), "--port", str(self.port), *self.options]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=PROJECT,
            env=environment(),
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            _, said = self._process.communicate(timeout=PATIENCE)
            raise AssertionError(said)
        self.url, _, given = line.partition("#token=")
        self.token = given or self.token
        self.port = urlsplit(self.url).port or 0

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._process.terminate()
        _, said = self._process.communicate(timeout=PATIENCE)
        assert "Traceback" not in said, said

    def restart(self) -> None:
        """Kill it in the middle, and start it again on the same port."""
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)
        self.start()


def wait_for(what: Any, seconds: float = PATIENCE) -> Any:
    """Ask again and again until the answer is true."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.05)
    return found
