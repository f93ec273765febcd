"""Drain and maintenance mode by the real roles: back exactly as before, also when cut off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.lab.lab import Lab

PROJECT = Path(__file__).resolve().parents[3]
FARM = PROJECT / "tests" / "faults" / "farm"
ROME = "rom-cas-01"


class Balancer(ThreadingHTTPServer):
    """A load balancer, or a monitoring system: what it holds for Rome, and what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.weight: dict[str, int] = {"weight": 7}
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def hook(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.server_address[1]}/rome"
        token = {"headers": {"Authorization": "Bearer t0ken"}}
        prior = "{{ exchange_drain_prior }}"
        return {
            "query": {"url": url, **token},
            "out": {"url": url, "method": "PUT", "body": {"weight": 0}, **token},
            "back": {"url": url, "method": "PUT", "body": prior, **token},
        }


class _Handler(BaseHTTPRequestHandler):
    server: Balancer

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self.server.weight = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(f"{self.headers['Authorization']} {self.server.weight['weight']}")
        self._answer()

    def _answer(self) -> None:
        body = json.dumps(self.server.weight).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    server = Balancer()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Lab]:
    with Lab(FARM, tmp_path / "state", fresh=True) as running:
        yield running


def _play(
    lab: Lab, folder: Path, roles: list[tuple[str, str]], hosts: str = ROME, **variables: Any
) -> str:
    """Run roles; what Ansible said."""
    (folder / "hosts.yml").write_text((FARM / "hosts.yml").read_text())
    tasks = [
        {"ansible.builtin.include_role": {"name": role, "tasks_from": part}} for role, part in roles
    ]
    play = {"hosts": hosts, "gather_facts": False, "vars": variables, "tasks": tasks}
    (folder / "book.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    playbooks = PROJECT / "playbooks"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", str(folder / "book.yml")),
            *("-i", str(folder / "hosts.yml"), "-e", f"@{lab.connection_file}"),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={
            **kept,
            "ANSIBLE_LIBRARY": str(playbooks / "library"),
            "ANSIBLE_MODULE_UTILS": str(playbooks / "module_utils"),
            "ANSIBLE_ROLES_PATH": str(playbooks / "roles"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


OUT, BACK = ("exchange_drain", "main"), ("exchange_drain", "undrain")


@pytest.mark.parametrize("method", ["owa", "nlb"])
def test_a_server_goes_out_and_comes_back_exactly_as_it_was(
    farm: Lab, tmp_path: Path, method: str
) -> None:
    # Somebody had it not start by itself: that is to be kept.
    found = {"state": "in", "automatic": False}
    arguments = {"target": ROME, "method": method}
    farm.carry_out("exchange_drain", {**arguments, "state": "back", "prior": found})
    record = tmp_path / ".orchestrator" / "drained" / f"{ROME}-{method}.json"

    def condition() -> dict[str, Any]:
        before: dict[str, Any] = farm.carry_out("exchange_drain", arguments)["before"]
        return before

    # Twice, as a step that was cut off does: what it finds the second time is its own doing.
    _play(farm, tmp_path, [OUT, OUT], exchange_drain_method=method)
    assert condition() == {"state": "out", "automatic": False}
    assert json.loads(record.read_text()) == found
    farm.carry_out("exchange_restart", {"target": ROME})
    assert condition()["state"] == "out", "it does not rejoin after a restart"
    _play(farm, tmp_path, [BACK], exchange_drain_method=method)
    assert condition() == found
    assert not record.exists()
    served = [r for r in farm.requests() if r["source"] == ROME and r["mode"] == "local"]
    assert [request["outcome"] for request in served] == ["ok"]
    asked = len(farm.module_calls())
    _play(farm, tmp_path, [BACK], exchange_drain_method=method)
    assert condition() == found, "and once more does nothing"
    assert {c["result"] for c in farm.module_calls()[asked:]} == {"ok"}


def test_others_still_coming_hold_up_the_step(farm: Lab, tmp_path: Path) -> None:
    def logons(quiet: int) -> int:
        arguments = {"target": ROME, "method": "owa", "quiet_seconds": quiet}
        counted: int = farm.carry_out("exchange_drain", arguments)["proxied_logons"]
        return counted

    assert logons(60) == 0
    probe = {"sources": ["mad-cas-01"], "target_site": "rome", "target_product_line": "2010"}
    step = {
        "id": "x",
        "kind": "verify",
        "source_urls": {"mad-cas-01": "https://mad-cas-01.contoso.example/owa/"},
        "probes": [
            {
                **probe,
                "mailbox": "probe-rome@contoso.example",
                "password_host": ROME,
                "targets": [ROME],
                "expect": ["proxied"],
            }
        ],
    }
    _play(farm, tmp_path, [("exchange_verify", "main")], "localhost", exchange_step=step)
    assert logons(60) > 0
    # The lab is told to want two quiet seconds; the role waits for them and goes on.
    _play(farm, tmp_path, [OUT], exchange_drain_method="owa")
    assert logons(2) == 0


def test_a_balancer_and_monitoring_get_back_what_they_had(
    farm: Lab, tmp_path: Path, balancer: Balancer
) -> None:
    on, off = ("exchange_monitoring", "main"), ("exchange_monitoring", "off")
    hook = balancer.hook()
    _play(farm, tmp_path, [OUT, OUT], exchange_drain_method="http", exchange_drain_http=hook)
    assert balancer.weight == {"weight": 0}
    said = _play(farm, tmp_path, [BACK], exchange_drain_method="http", exchange_drain_http=hook)
    assert balancer.asked == ["Bearer t0ken 0", "Bearer t0ken 0", "Bearer t0ken 7"]
    assert "t0ken" not in said
    _play(farm, tmp_path, [on, off], exchange_monitoring_http=hook)
    assert balancer.asked[3:] == ["Bearer t0ken 0", "Bearer t0ken 7"]
    assert list((tmp_path / ".orchestrator" / "drained").iterdir()) == []
