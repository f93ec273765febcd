"""`orchestrator lab up|down|status|set`: the simulated farm from the command line."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from orchestrator.lab import faults, remote, switches
from orchestrator.lab.errors import LabError
from orchestrator.lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(
    name="lab", help="A simulated Exchange farm to try everything on.", no_args_is_help=True
)

StateOption = Annotated[Path, typer.Option("--state", help="Folder of the lab's files.")]
InventoryOption = Annotated[
    Path, typer.Option("-i", "--inventory", help="Inventory folder with a lab.yml.")
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Begin anew: new passwords, all servers as in lab.yml.")
]

_STATE = Path(".orchestrator/lab")
_INVENTORY = Path("inventories/contoso")


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Turn a mistake into one line and exit code 1."""
    try:
        yield
    except LabError as error:
        typer.echo(f"lab: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def up(
    inventory: InventoryOption = _INVENTORY,
    state: StateOption = _STATE,
    fresh: FreshOption = False,  # noqa: FBT002 - typer makes an option of it
) -> None:
    """Start the farm; it runs on until `lab down`, and goes on from its last state."""
    with _one_line():
        farm, running, already = remote.up(inventory / "lab.yml", Store(state), fresh=fresh)
    verb = "was up already" if already else "is up"
    connection = state / "connection.yml"
    typer.echo(
        f"The lab {verb}: {len(farm.servers)} Exchange servers, "
        f"{len(farm.management_hosts)} management hosts on 127.0.0.1:{running.port}."
    )
    typer.echo(f"Give it to any command with:  -e @{connection}")
    typer.echo(
        f"For example:  ansible -i {inventory / 'hosts.yml'} -e @{connection} "
        "management -m ansible.windows.win_ping"
    )


@app.command()
def down(state: StateOption = _STATE) -> None:
    """Stop the farm and keep its state."""
    with _one_line():
        stopped = remote.down(Store(state))
    typer.echo("The lab is down; its state is kept." if stopped else "No lab was running.")


@app.command()
def status(state: StateOption = _STATE) -> None:
    """Show servers, builds and switches."""
    with _one_line():
        answer = remote.status(Store(state))
    typer.echo(f"{'server':<14}{'site':<12}{'build':<14}{'state':<22}OWA external address")
    for row in answer["servers"]:
        typer.echo(
            f"{row['server']:<14}{row['site']:<12}{row['build']:<14}{row['state']:<22}"
            f"{row['external_url'] or '-'}"
        )
    usual = {**switches.defaults()}
    turned = [
        f"{name}={value}"
        for name, value in sorted(answer["switches"].items())
        if name in usual or not name.startswith("redirect_type.")
    ]
    typer.echo("switches: " + ", ".join(turned))
    for fault in answer["faults"]:
        typer.echo(f"fault: {fault}")


@app.command("set", help=f"Turn a switch. Switches: {switches.known()}")
def set_switch(
    switch: Annotated[str, typer.Argument(metavar="SWITCH=VALUE")],
    state: StateOption = _STATE,
) -> None:
    """Turn a switch of the running farm."""
    with _one_line():
        answer = remote.turn(Store(state), switch)
    typer.echo(f"{answer['switch']} is {answer['value']}")


@app.command("fault", help=f"Arm a fault. Kinds: {faults.known()}")
def arm_fault(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    at: Annotated[str, typer.Option("--at", help="Host, server or site; default: any.")] = "",
    module: Annotated[str, typer.Option("--module", help="Only calls of this module.")] = "",
    when: Annotated[str, typer.Option("--when", help="before or after the change.")] = "before",
    times: Annotated[
        int | None, typer.Option("--times", help="How often; 0: until it is cleared.")
    ] = None,
    skip: Annotated[int, typer.Option("--skip", help="Let so many moments pass first.")] = 0,
    value: Annotated[str, typer.Option("--value", help="Seconds, code or build.")] = "",
    state: StateOption = _STATE,
) -> None:
    """Arm a fault of the running farm."""
    entry = {"kind": kind, "at": at, "module": module, "when": when, "times": times, "skip": skip}
    with _one_line():
        _show_faults(remote.arm(Store(state), [{**entry, "value": value}]))


@app.command("faults")
def list_faults(
    state: StateOption = _STATE,
    file: Annotated[
        Path | None, typer.Option("--file", help="YAML list of faults to arm, keys as of `fault`.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Clear all.")] = False,  # noqa: FBT002
) -> None:
    """Show, arm from a file, or clear the faults of the running farm."""
    with _one_line():
        store = Store(state)
        if file is not None:
            _show_faults(remote.arm(store, _faults_of(file)))
        else:
            _show_faults(remote.armed(store, clear=clear))


@app.command("starve")
def starve(
    words: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", show_default=False)],
    kilobytes: Annotated[int, typer.Option("--kilobytes", help="Size no file may exceed.")] = 64,
) -> None:
    """Run a command whose files cannot grow, as on a control node that is out of disk.

    For example: orchestrator lab starve --kilobytes 64 -- orchestrator apply PLAN -i INVENTORY
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))
    try:
        os.execvp(words[0], words)  # noqa: S606 - the user's own command
    except OSError as error:
        typer.echo(f"lab: {words[0]}: {error.strerror}", err=True)
        raise typer.Exit(1) from None


def _faults_of(file: Path) -> list[dict[str, Any]]:
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise LabError(f"{file}: {error}") from error
    if not isinstance(entries, list):
        raise LabError(f"{file}: expected a list of faults")
    return entries


def _show_faults(answer: dict[str, Any]) -> None:
    typer.echo("\n".join(answer["armed"]) or "No fault is armed.")
