"""Reading the farm from the command line, with a line of progress."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.text import Text

from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.execution.attempts import AnsibleInputs, FarmReader
from orchestrator.execution.discover import Reading, read_hosts
from orchestrator.execution.interrupt import interruptible
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.results import TaskEvent, TaskOutcome
from orchestrator.inventory import Inventory
from orchestrator.model.state import State, differences
from orchestrator.model.words import counted
from orchestrator.report.console import err

_SECRET = re.compile(r"passw|secret|token|credential", re.IGNORECASE)


def ansible_inputs(
    inventory: Inventory, extra_vars: Sequence[str], vault_password_file: Path | None
) -> AnsibleInputs:
    """What every playbook run of a command is started with.

    Raises
    ------
    OrchestratorError
        If a secret was given with ``-e``: it would stand in clear in Ansible's artifacts.
    """
    check_secrets(extra_vars)
    return AnsibleInputs((inventory.hosts_source,), tuple(extra_vars), vault_password_file)


def check_secrets(extra_vars: Sequence[str]) -> None:
    """Refuse a secret on the command line.

    Raises
    ------
    OrchestratorError
    """
    for given in extra_vars:
        if not given.startswith("@") and _SECRET.search(given.partition("=")[0]):
            name = given.partition("=")[0] if "=" in given else "the value"
            raise OrchestratorError(
                f"-e {name}: a secret on the command line would stand in clear in the artifacts",
                "put it into a vault file of the inventory, or use a lookup",
            )


def read_farm(inputs: AnsibleInputs, inventory: Inventory) -> ObservedFarm:
    """Read every server of the organisation; nothing is left on disk."""
    names = sorted(inventory.topology.servers)
    with _progress(len(names)) as (folder, on_event, cancel):
        return FarmReader(inputs, folder, names, on_event=on_event, cancel=cancel)()


def discover_hosts(
    inputs: AnsibleInputs, names: Sequence[str], events_since: str, *, limit: str = ""
) -> Reading:
    """Read a bare list of hosts by the discovering playbook; nothing is left on disk."""
    with _progress(len(names)) as (folder, on_event, cancel):
        return read_hosts(
            inputs,
            folder,
            names,
            events_since=events_since,
            limit=limit,
            on_event=on_event,
            cancel=cancel,
        )


@contextmanager
def _progress(
    count: int,
) -> Iterator[tuple[Path, Callable[[TaskEvent], None], threading.Event]]:
    console = err()
    with (
        tempfile.TemporaryDirectory(prefix="orchestrator-") as folder,
        console.status(f"Reading {counted(count, 'server')} ...") as status,
        interruptible() as cancel,
    ):
        if not console.is_terminal:
            console.print(f"Reading {counted(count, 'server')} ...")
        answered: set[str] = set()

        def on_event(event: TaskEvent) -> None:
            if event.outcome is not TaskOutcome.STARTED:
                answered.add(event.host)
                status.update(
                    f"Reading {counted(count, 'server')}, {len(answered)} have answered ..."
                )

        yield Path(folder), on_event, cancel


def observed_or_declared(
    inventory: Inventory,
    live: bool,
    extra_vars: Sequence[str],
    vault_password_file: Path | None,
) -> tuple[State, str]:
    """The state to reason about, and what it rests on.

    Raises
    ------
    InvalidInput
        If the hosts are asked and one does not answer: a verdict on part of a farm is none.
    """
    if not live:
        return inventory.declared, "as declared in the inventory, not read from the hosts"
    farm = read_farm(ansible_inputs(inventory, extra_vars, vault_password_file), inventory)
    if not farm.complete:
        raise InvalidInput(farm.problems)
    for line in differences(inventory.declared, farm.state):
        text = line.replace(", expected ", ", declared ")
        err().print(Text(f"drift: {text}", style="yellow"), soft_wrap=True)
    return farm.state, "read from the hosts just now"
