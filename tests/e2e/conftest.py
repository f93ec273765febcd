"""The program as a user runs it, the simulated farm, and users who log on all the time."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import yaml
from support import examples

from orchestrator.lab import remote
from orchestrator.lab.store import Store, read_records

PROJECT = Path(__file__).resolve().parents[2]
DOMAIN = "contoso.example"
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
LIMIT = 400
CHANGING = {"exchange_rollup", "exchange_virtual_directory", "exchange_restart"}


# ---- the program ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a command ended; texts without the line breaks of a narrow terminal."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"{self.out}\n{self.err}"


def clean_environment(**more: str) -> dict[str, str]:
    """A wide terminal, and nothing that would lead Ansible to settings of this machine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON"))}
    return {**kept, "COLUMNS": "250", **more}


def orchestrator(*arguments: object, ends: int = 0, **more: str) -> Ended:
    """Run the program; no end but the expected one will do, and never a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=clean_environment(**more),
        stdin=subprocess.DEVNULL,
        timeout=LIMIT,
    )
    ended = Ended(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in ended.text, ended.text
    assert ended.code == ends, f"{arguments} ended with {ended.code}:\n{ended.text}"
    return ended


@pytest.fixture(scope="session")
def environment() -> Callable[..., dict[str, str]]:
    return clean_environment


@pytest.fixture(scope="session")
def run() -> Callable[..., Ended]:
    return orchestrator


@pytest.fixture(scope="session")
def contoso() -> Callable[[Path], Path]:
    """Copies the worked example, so that no test leaves anything in the checkout."""
    return examples.contoso


@pytest.fixture(scope="session")
def read_plan() -> Callable[[Path], dict[str, Any]]:
    return lambda folder: json.loads((folder / "plan.json").read_text())


@dataclass(frozen=True)
class Tools:
    """What `make test` has put beside the interpreter."""

    bin: Path = Path(sys.executable).parent

    def ansible_playbook(self, *arguments: object, ends: int = 0, **more: str) -> Ended:
        """Run playbooks as an operator does who has never heard of this program."""
        done = subprocess.run(
            # -I: neither PYTHONPATH nor the working folder can make the program importable, and
            # the import of its package is refused should anything try.
            [sys.executable, "-I", "-c", _WITHOUT_US, *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            env=clean_environment(PATH=f"{self.bin}:{os.environ['PATH']}", **more),
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
        assert ended.code == ends, f"{arguments} ended with {ended.code}:\n{ended.text}"
        return ended


_WITHOUT_US = """
import sys
sys.modules["orchestrator"] = None
sys.argv[0] = "ansible-playbook"
from ansible.cli.playbook import main
main()
"""


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools()


# ---- the farm ---------------------------------------------------------------------------------


@dataclass
class Farm:
    """A detached lab, handled by the commands a user has, read by the files it documents."""

    inventory: Path
    state: Path

    @property
    def options(self) -> tuple[str, ...]:
        """What every command is given to reach it."""
        return ("-i", str(self.inventory), "-e", f"@{self.connection}")

    @property
    def connection(self) -> Path:
        return self.state / "connection.yml"

    @property
    def port(self) -> int:
        running = Store(self.state).last_run()
        assert running is not None
        return running.port

    def up(self) -> None:
        """Begin anew."""
        orchestrator("lab", "up", "-i", self.inventory, "--state", self.state, "--fresh")

    def down(self) -> None:
        orchestrator("lab", "down", "--state", self.state)

    def set(self, assignment: str) -> None:
        remote.turn(Store(self.state), assignment)

    def builds(self) -> dict[str, str]:
        return {row["server"]: row["build"] for row in self._status()}

    def external_urls(self) -> dict[str, str]:
        return {row["server"]: row["external_url"] for row in self._status()}

    def picture(self) -> dict[str, Any]:
        """Everything a change would leave a trace in: builds, services, addresses, restarts."""
        rows = json.loads((self.state / "lab-state.json").read_text())
        machines = {
            name: {k: v for k, v in machine.items() if k in ("rollups", "services", "boot_time")}
            for name, machine in rows["machines"].items()
        }
        return {"builds": self.builds(), "urls": self.external_urls(), "machines": machines}

    def events(self, server: str) -> list[dict[str, Any]]:
        """The Application log of a server; users' events are saved within a moment."""
        time.sleep(0.3)
        rows = json.loads((self.state / "lab-state.json").read_text())
        return list(rows["machines"][server]["events"])

    def requests(self) -> list[dict[str, Any]]:
        """Every user request of this lab so far, with the time in seconds."""
        return _timed(read_records(self.state / "requests.jsonl"))

    def module_calls(self) -> list[dict[str, Any]]:
        return _timed(read_records(self.state / "modules.jsonl"))

    def changes(self) -> list[dict[str, Any]]:
        """Module calls that were meant to change something, whether they did or not."""
        return [
            call
            for call in self.module_calls()
            if call["module"] in CHANGING
            and not call["check_mode"]
            # Without an address the module only reads.
            and (call["module"] != "exchange_virtual_directory" or "external_url" in call["args"])
        ]

    def users(self, paths: Mapping[str, Sequence[str]], name: str = "user") -> Users:
        """Users at every source server of `paths`, a mapping of server to mailboxes."""
        return Users(self, paths, name)

    def _status(self) -> list[dict[str, Any]]:
        return list(remote.status(Store(self.state))["servers"])


def _timed(records: Any) -> list[dict[str, Any]]:
    return [{**record, "time": seconds(record["time"])} for record in records]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, contoso: Callable[..., Path]) -> Iterator[Farm]:
    """Contoso, fresh, for the tests of one module."""
    folder = tmp_path_factory.mktemp("farm")
    made = Farm(contoso(folder / "contoso"), folder / "lab")
    made.up()
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def farm_of() -> Callable[[Path], Farm]:
    """The farm of a lab that runs inside the test."""
    return lambda state: Farm(PROJECT / "inventories" / "contoso", state)


# ---- users ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """What one user got: ok, redirect, broken or unavailable; anything else fails the user."""

    time: float
    source: str
    mailbox: str
    outcome: str
    detail: str


class _Link(HTMLParser):
    href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("id") == "redirectLink":
            self.href = values.get("href") or ""


@dataclass
class Users:
    """People who log on to OWA through every server they may come in by, again and again.

    A client of its own, knowing nothing of the product's probe: the two must agree. Targets are
    taken in turn: `tries` is one more than a pool has servers, as the product's probes take turns,
    too.
    """

    farm: Farm
    paths: Mapping[str, Sequence[str]]
    name: str
    rest: float = 0.3
    tries: int = 3
    visits: list[Visit] = field(default_factory=list)
    rounds: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _failures: list[BaseException] = field(default_factory=list)
    _connections: dict[str, http.client.HTTPSConnection] = field(default_factory=dict)

    def __enter__(self) -> Users:
        self._tls = ssl.create_default_context(cafile=str(self.farm.state / "ca.pem"))
        self._thread = threading.Thread(target=self._go, name=self.name, daemon=True)
        self._thread.start()
        self.wait_rounds(2)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._failures:
            self.wait_rounds(2)
        self._stop.set()
        self._thread.join()
        assert not self._failures, self._failures

    def wait_rounds(self, count: int) -> None:
        """Until everybody has been everywhere so many times more."""
        goal, limit = self.rounds + count + 1, time.monotonic() + 60
        while self.rounds < goal and not self._failures:
            assert time.monotonic() < limit, "the users are stuck"
            time.sleep(0.05)

    def once(self) -> list[Visit]:
        """One round without anybody else about, in the thread of the caller."""
        self.tries = 2
        self._tls = ssl.create_default_context(cafile=str(self.farm.state / "ca.pem"))
        self._round()
        self._close()
        return self.visits

    def _go(self) -> None:
        try:
            while not self._stop.is_set():
                self._round()
                self.rounds += 1
                self._stop.wait(self.rest)
        except BaseException as error:
            self._failures.append(error)
        finally:
            self._close()

    def _close(self) -> None:
        while self._connections:
            self._connections.popitem()[1].close()

    def _round(self) -> None:
        for source, mailboxes in self.paths.items():
            for mailbox in mailboxes:
                for _ in range(self.tries):
                    began = time.time()
                    outcome, detail = self._visit(source, mailbox)
                    self.visits.append(Visit(began, source, mailbox, outcome, detail))

    def _visit(self, source: str, mailbox: str) -> tuple[str, str]:
        for known in (True, False):
            if not known or source in self._connections:
                try:
                    return self._log_on(source, mailbox)
                except (OSError, http.client.HTTPException) as error:
                    # A connection kept from before may have ended with the server's sessions.
                    self._connections.pop(source).close()
                    refused = str(error)
        return "unavailable", refused

    def _log_on(self, source: str, mailbox: str) -> tuple[str, str]:
        host = f"{source}.{DOMAIN}"
        if source not in self._connections:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.farm.port, timeout=20, context=self._tls
            )
            connection.set_tunnel(host, 443)
            self._connections[source] = connection
        url = f"https://{host}/owa/"
        password = (self.farm.state / "secrets" / "mailboxes" / f"{mailbox}.password").read_text()
        form = {"destination": url, "username": mailbox, "password": password.strip(), "flags": "4"}
        answer, page = self._ask(source, "POST", "/owa/auth.owa", urlencode(form))
        if answer.status == 503:  # drained
            return "unavailable", page
        assert (answer.status, answer.headers["location"]) == (302, url), answer.status
        cookies = [line.partition(";")[0] for line in answer.headers.get_all("set-cookie", [])]
        answer, page = self._ask(source, "GET", "/owa/", cookie="; ".join(cookies))
        return self._understand(answer, page, host, mailbox)

    def _ask(
        self, source: str, method: str, path: str, body: str = "", cookie: str = ""
    ) -> tuple[http.client.HTTPResponse, str]:
        headers = {"Host": f"{source}.{DOMAIN}", "User-Agent": self.name, "Cookie": cookie}
        connection = self._connections[source]
        connection.request(method, path, body.encode(), headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()

    def _understand(
        self, answer: http.client.HTTPResponse, page: str, host: str, mailbox: str
    ) -> tuple[str, str]:
        if answer.status == 302 and urlsplit(answer.headers["location"]).hostname == host:
            return "unavailable", "the server forgot the session"
        if answer.status == 302:
            return "redirect", answer.headers["location"]
        link = _Link()
        link.feed(page)
        if answer.status == 200 and link.href:
            return "redirect", link.href
        if answer.status == 200 and f"Inbox of {mailbox}" in page:
            return "ok", answer.headers["x-diaginfo"].lower()
        if answer.status == 503:
            return "unavailable", page
        assert answer.status == 500, (host, answer.status, page)
        return "broken", page


@pytest.fixture(scope="session")
def user_paths() -> dict[str, list[str]]:
    """From the example's own paths: each source server, and the mailboxes behind it."""
    folder = PROJECT / "inventories" / "contoso"
    rows = yaml.safe_load((folder / "organization.yml").read_text())["paths"]
    servers = yaml.safe_load((folder / "lab.yml").read_text())["servers"]
    result: dict[str, list[str]] = {}
    for row in rows:
        mailbox = f"probe-{row['target']}-{row['product_line']}@{DOMAIN}"
        for name, server in servers.items():
            # Every source of the example is a 2010 pool.
            if server["site"] == row["source"] and server["base"].startswith("14."):
                result.setdefault(name, []).append(mailbox)
    return result
