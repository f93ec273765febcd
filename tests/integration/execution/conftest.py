"""Real ansible-runner runs on localhost: nothing is connected to, nothing is simulated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution.results import RunRequest, RunResult
from orchestrator.execution.runner import run_playbook

HOSTS = """
exchange:
  hosts:
    cas-01: {}
    cas-02: {}
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
away:
  hosts:
    gone-01: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}
"""


class Bench:
    """A folder with an inventory; runs playbooks given as text, each in a fresh attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts = folder / "hosts.yml"
        self.hosts.write_text(HOSTS)
        self._attempts = 0

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def request(self, playbook: Path, **more: Any) -> RunRequest:
        self._attempts += 1
        return RunRequest(
            playbook=playbook,
            inventory=(self.hosts,),
            private_data_dir=self.folder / "runs" / str(self._attempts),
            ident=f"attempt-{self._attempts}",
            **more,
        )

    def run(
        self,
        text: str,
        *,
        on_event: Callable[..., None] | None = None,
        on_child: Callable[..., None] | None = None,
        cancel: threading.Event | None = None,
        **more: Any,
    ) -> RunResult:
        request = self.request(self.write("playbook.yml", text), **more)
        return run_playbook(request, on_event=on_event, on_child=on_child, cancel=cancel)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
