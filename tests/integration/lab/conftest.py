"""A running lab, a browser without redirects, and ansible-runner, for the tests beside this."""

from __future__ import annotations

import http.client
import os
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

import ansible_runner
import pytest
import yaml

from orchestrator.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[3]
DOMAIN = "contoso.example"


@pytest.fixture
def farm_file() -> Path:
    return PROJECT / "inventories" / "contoso" / "lab.yml"


@pytest.fixture
def lab(farm_file: Path, tmp_path: Path) -> Iterator[Lab]:
    with Lab(farm_file, tmp_path / "state", fresh=True) as running:
        yield running


@dataclass(frozen=True)
class Page:
    """What a user got in the end."""

    status: int
    server: str
    location: str
    text: str


class Browse(Protocol):
    """Log on through a server and open the mailbox."""

    def __call__(self, source: str, mailbox: str, password: str | None = None) -> Page: ...


class Browser:
    """One user's connection to one server, through the lab's proxy."""

    def __init__(self, port: int, ca_file: Path, host: str) -> None:
        context = ssl.create_default_context(cafile=str(ca_file))
        self.host = host
        self.cookies: dict[str, str] = {}
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=10, context=context
        )
        self._connection.set_tunnel(host, 443)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **more: str) -> Page:
        body = urlencode(form).encode() if form is not None else None
        headers = {"User-Agent": "browser", "Host": self.host, **more}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("set-cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Page(
            answer.status,
            answer.headers.get("x-diaginfo", ""),
            answer.headers.get("location", ""),
            text,
        )

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def browser(lab: Lab) -> Callable[[str], Browser]:
    return lambda server: Browser(lab.port, lab.ca_file, f"{server}.{DOMAIN}")


@pytest.fixture
def browse(lab: Lab, browser: Callable[[str], Browser]) -> Browse:
    def look(source: str, mailbox: str, password: str | None = None) -> Page:
        address = f"probe-{mailbox}@{DOMAIN}"
        user = browser(source)
        try:
            url = f"https://{user.host}/owa/"
            form = {"destination": url, "username": address, "flags": "4", "isUtf8": "1"}
            form["password"] = lab.password(address) if password is None else password
            logon = user.ask("POST", "/owa/auth.owa", form)
            if logon.location != url:
                return logon
            return user.ask("GET", "/owa/")
        finally:
            user.close()

    return look


@dataclass(frozen=True)
class Ran:
    """The end of an Ansible run."""

    status: str
    stats: dict[str, Any]
    tasks: dict[str, tuple[str, dict[str, Any]]]

    def state(self, task: str) -> str:
        """`ok`, `failed` or `unreachable`."""
        return self.tasks[task][0]

    def result(self, task: str) -> dict[str, Any]:
        return self.tasks[task][1]


class Play(Protocol):
    """Run tasks on a host with ansible-runner, as production does."""

    def __call__(
        self, host: str, tasks: list[dict[str, Any]], *, password: str | None = None
    ) -> Ran: ...


@pytest.fixture
def play(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def run(host: str, tasks: list[dict[str, Any]], *, password: str | None = None) -> Ran:
        secret = "{{ lookup('ansible.builtin.file', exchange_secrets_folder ~ '/%s') | trim }}"
        variables = {
            "ansible_connection": "ansible.builtin.psrp",
            "ansible_port": 5986,
            "ansible_psrp_protocol": "https",
            "ansible_psrp_auth": "ntlm",
            "ansible_user": "Administrator",
            "ansible_password": password or secret % "administrator.password",
            "ansible_host": f"{host}.{DOMAIN}",
        }
        source = tmp_path / "run"
        source.mkdir(exist_ok=True)
        hosts = {"all": {"hosts": {host: variables}}}
        (source / "hosts.yml").write_text(yaml.safe_dump(hosts))
        for task in tasks:
            task.setdefault("ignore_errors", True)
        book = [{"hosts": host, "gather_facts": False, "tasks": tasks}]
        (source / "book.yml").write_text(yaml.safe_dump(book))
        done = ansible_runner.run(
            private_data_dir=str(source),
            playbook=str(source / "book.yml"),
            inventory=str(source / "hosts.yml"),
            cmdline=f"-e @{lab.connection_file}",
            envvars={
                "ANSIBLE_LIBRARY": str(PROJECT / "playbooks" / "library"),
                "ANSIBLE_MODULE_UTILS": str(PROJECT / "playbooks" / "module_utils"),
            },
            quiet=True,
            cancel_callback=lambda: False,
        )
        return Ran(done.status, done.stats or {}, _tasks(done.events))

    return run


def _tasks(events: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    kinds = {
        "runner_on_ok": "ok",
        "runner_on_failed": "failed",
        "runner_on_unreachable": "unreachable",
    }
    return {
        event["event_data"]["task"]: (kinds[event["event"]], event["event_data"]["res"])
        for event in events
        if event["event"] in kinds
    }


@pytest.fixture
def module(lab: Lab) -> Callable[..., dict[str, Any]]:
    """Carry out a module on a management host without Ansible around it."""
    return lambda name, check_mode=False, **arguments: lab.carry_out(
        name, arguments, check_mode=check_mode
    )


@pytest.fixture
def install(lab: Lab, module: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """Install a rollup from the farm's own share."""

    def run(server: str, build: str, *, wait: bool = True) -> None:
        if wait:
            lab.set("install_seconds=0")
        result = module(
            "exchange_rollup", **lab.package(build), target=server, wait_seconds=5 * wait
        )
        assert result["finished"] is wait, result

    return run


@pytest.fixture
def write_address(module: Callable[..., dict[str, Any]]) -> Callable[[str, str], None]:
    """Set the external address of a server's OWA."""

    def write(server: str, url: str) -> None:
        result = module("exchange_virtual_directory", target=server, external_url=url)
        assert result["changed"] is True, result

    return write
