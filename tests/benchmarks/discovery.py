"""`discover` over many lab hosts against one plain playbook that gathers their facts.

Both sides are whole commands over the same hosts, list and forks, each in a process of its own;
the lab answers both. The hosts have PowerShell 5.1, or plain facts could not be gathered from them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.lab import remote
from orchestrator.lab.store import Store

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = 1.3
SITES = 20
_PLAIN = "- hosts: servers\n  gather_facts: true\n  tasks: []\n"
_SECRET = (
    "{{ lookup('ansible.builtin.file', exchange_secrets_folder ~ '/administrator.password') }}"
)


@dataclass(frozen=True)
class Side:
    """Wall clock and processor time of one command, in seconds."""

    wall: float
    processor: float


@contextmanager
def farm(hosts: int) -> Iterator[tuple[Path, Path]]:
    """A lab of so many servers; gives the folder of the list and its connection file."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        folder = Path(place)
        sites = [f"site{number:02d}" for number in range(SITES)]
        servers = {
            f"cas-{number:04d}": {
                "site": sites[number % SITES],
                "base": "14.2.247.5",
                "powershell": "5.1",
            }
            for number in range(hosts)
        }
        lab = {
            "domain": "big.example",
            "sites": sites,
            "management_hosts": {"mgmt": {"site": sites[0]}},
            "servers": servers,
        }
        (folder / "lab.yml").write_text(yaml.safe_dump(lab))
        variables = {
            "ansible_connection": "ansible.builtin.psrp",
            "ansible_port": 5986,
            "ansible_psrp_protocol": "https",
            "ansible_psrp_auth": "ntlm",
            "ansible_user": "Administrator",
            "ansible_password": _SECRET,
            "ansible_host": "{{ inventory_hostname }}.big.example",
        }
        groups = {
            "management": {"hosts": {"mgmt": {"ansible_host": "mgmt.big.example"}}},
            "servers": {"hosts": dict.fromkeys(servers)},
        }
        content = {"all": {"vars": variables, "children": groups}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(content))
        (folder / "plain.yml").write_text(_PLAIN)
        store = Store(folder / "state")
        remote.up(folder / "lab.yml", store, fresh=True)
        try:
            yield folder, store.folder / "connection.yml"
        finally:
            remote.down(store)


def plain(folder: Path, connection: Path) -> Side:
    """Gather facts of every server, as anybody would."""
    forks = AnsibleInputs((folder,)).forks
    words = ("-m", "ansible", "playbook", folder / "plain.yml", "-i", folder / "hosts.yml")
    return _timed(*words, "-f", forks, "-e", f"@{connection}", folder=folder)


def discover(folder: Path, connection: Path, output: str) -> Side:
    """Discover them, through the management host."""
    words = ("-m", "orchestrator", "discover", "-i", folder / "hosts.yml", "-o", folder / output)
    return _timed(*words, "-e", f"@{connection}", folder=folder)


def compared(hosts: int, rounds: int) -> tuple[Side, Side]:
    """The best of some rounds of each side, taken in turn: (plain, discover)."""
    with farm(hosts) as (folder, connection):
        plains, ours = [], []
        for number in range(rounds):
            plains.append(plain(folder, connection))
            ours.append(discover(folder, connection, f"found-{number}"))
    best = [
        Side(min(side.wall for side in sides), min(side.processor for side in sides))
        for sides in (plains, ours)
    ]
    return best[0], best[1]


def discovery(hosts: int = 200, rounds: int = 2) -> Iterator[str]:
    """The figure of docs/benchmarks.md."""
    facts, ours = compared(hosts, rounds)
    yield (
        f"discover, {hosts} hosts: {ours.wall:.1f} s, {ours.wall / facts.wall:.2f} x one plain "
        f"fact-gathering playbook ({facts.wall:.1f} s); processor {ours.processor:.1f} s, "
        f"{ours.processor / facts.processor:.2f} x; allowed {LIMIT} x"
    )


def _timed(*words: object, folder: Path) -> Side:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    paths = os.pathsep.join([str(PROJECT), *filter(None, sys.path)])
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**kept, "PYTHONPATH": paths, "ANSIBLE_LOCALHOST_WARNING": "False"},
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Side(wall, used)
