"""Running the real roles on this machine: against a farm that is one JSON file."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import ansible.module_utils
import pytest
import yaml

HERE = Path(__file__).parent
PLAYBOOKS = HERE.parents[2] / "playbooks"
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

SERVER: dict[str, Any] = {
    "name": "",
    "build": "14.2.247.5",
    "roles": ["ClientAccess", "HubTransport"],
    "dag_member": False,
    "clock_utc": "2012-04-23T20:15:00Z",
    "pending_restart": False,
    "installer_running": False,
    "free_disk_mb": 20000,
    "automatic_updates": "notify",
    "virtual_directories": {"owa": {"identity": "x", "internal_url": None, "external_url": None}},
    "services": [
        {"name": "W3SVC", "start_mode": "Auto", "state": "Running", "required": True},
        {"name": "MSExchangePOP3", "start_mode": "Manual", "state": "Stopped", "required": False},
    ],
    "events": [],
    "owa_version_folders": ["14.2.247.5"],
}
GOOD = {"as_expected": True, "outcome": "proxied", "why": "as expected: proxied 2; 2 of 2 targets"}


def server(name: str, **changes: Any) -> dict[str, Any]:
    """A healthy server on 2010 SP2 without rollup, except for what is given."""
    return {**copy.deepcopy(SERVER), "name": name.upper(), **changes}


@dataclass(frozen=True)
class Run:
    """What one ansible-playbook came to."""

    rc: int
    results: list[tuple[str, str, dict[str, Any]]]
    stats: dict[str, dict[str, int]]
    farm: dict[str, Any]

    def messages(self, host: str) -> list[str]:
        """Messages of the failed tasks of a host."""
        return [
            " ".join(str(result.get("msg", "")).split())
            for _, where, result in self.results
            if where == host and result.get("failed")
        ]

    def calls(self, module: str, target: str | None = None) -> list[dict[str, Any]]:
        """Calls of a module, for one server or all, in order."""
        return [
            call
            for call in self.farm["calls"]
            if call["module"] == module and target in (None, call.get("target"))
        ]

    def changed(self) -> int:
        """How many tasks changed anything, over all hosts."""
        return sum(counts["changed"] for counts in self.stats.values())


class Stage:
    """A folder with a playbook, the stubbed modules and the farm."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(HERE / "stub" / "action_plugins", folder / "action_plugins")
        shutil.copy(HERE / "steps" / "hosts.yml", folder)
        self.farm_path = folder / "farm.json"

    def set_farm(
        self, *servers: dict[str, Any], probes: dict[str, list[Any]] | None = None
    ) -> None:
        """Write the farm; forgets all calls."""
        by_name = {one["name"].lower(): one for one in servers}
        farm = {"calls": [], "servers": by_name, "probes": probes or {}}
        self.farm_path.write_text(json.dumps(farm))

    def set_hosts(self, hosts: dict[str, dict[str, Any]]) -> None:
        """Write the inventory: one host per scenario, each behind a management host."""
        inventory = {
            "exchange": {
                "hosts": hosts,
                "vars": {"exchange_management_host": "mgmt", "exchange_test_mailbox_password": "x"},
            },
            "management": {"hosts": {"mgmt": {}}},
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def set_play(self, name: str, role: str, **variables: Any) -> None:
        """Write a playbook with one role; a server that fails stops none of the others."""
        play = {
            "name": name,
            "hosts": "exchange",
            "gather_facts": False,
            "vars": variables,
            "tasks": [{"name": role, "ansible.builtin.import_role": {"name": role}}],
        }
        (self.folder / name).write_text(yaml.safe_dump([play]))

    def run(self, playbook: str, *arguments: str) -> Run:
        """Run a playbook of this folder, an example step or a shipped one, with the real roles."""
        path = self.folder / playbook
        if not path.exists():
            example = HERE / "steps" / playbook
            shutil.copy(example if example.exists() else PLAYBOOKS / playbook, path)
        farm = json.loads(self.farm_path.read_text())
        self.farm_path.write_text(json.dumps({**farm, "calls": []}))
        environment = {
            **os.environ,
            "ANSIBLE_ROLES_PATH": str(PLAYBOOKS / "roles"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_HOME": str(self.folder / ".ansible"),
            "PYTHONPATH": str(HERE / "stub"),
            "STUB_FARM": str(self.farm_path),
            "STUB_LIBRARY": str(PLAYBOOKS / "library"),
        }
        local = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "exchange_poll_seconds": 0,
            "exchange_settle_seconds": 0,
        }
        command = [str(ANSIBLE_PLAYBOOK), "-i", "hosts.yml", "-f", "2", "-e", json.dumps(local)]
        done = subprocess.run(
            [*command, *arguments, playbook],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
        output = json.loads(done.stdout)
        results = [
            (task["task"]["name"], host, result)
            for play in output["plays"]
            for task in play["tasks"]
            for host, result in task["hosts"].items()
        ]
        return Run(
            done.returncode, results, output["stats"], json.loads(self.farm_path.read_text())
        )


@pytest.fixture(scope="session")
def make_stage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Stage]:
    """Makes fresh folders to run playbooks in."""
    return lambda: Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture
def stage(make_stage: Callable[[], Stage]) -> Stage:
    """A fresh folder to run playbooks in."""
    return make_stage()


@pytest.fixture(scope="session")
def make_server() -> Callable[..., dict[str, Any]]:
    """Builds servers of the stubbed farm."""
    return server


@pytest.fixture(scope="session")
def good_probe() -> dict[str, Any]:
    """What the probe returns on a healthy path."""
    return dict(GOOD)


@pytest.fixture(scope="session")
def owa_probe() -> ModuleType:
    """The module under test with everything it shares with others."""
    module = _for_the_control_node("owa_probe")
    for name in ("owa_pages", "owa_judgement", "owa_logon"):
        shared = vars(importlib.import_module(f"ansible.module_utils.{name}"))
        vars(module).update({k: v for k, v in shared.items() if not k.startswith("__")})
    return module


@pytest.fixture(scope="session")
def owa_probes() -> ModuleType:
    """The module that sends many."""
    return _for_the_control_node("owa_probes")


def _for_the_control_node(name: str) -> ModuleType:
    """A module imported from its file as Ansible would run it."""
    shared = str(PLAYBOOKS / "module_utils")
    if shared not in ansible.module_utils.__path__:
        ansible.module_utils.__path__.append(shared)
    spec = importlib.util.spec_from_file_location(name, PLAYBOOKS / f"library/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
