"""`orchestrator lab up|down|status|set`: the simulated farm from the command line."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.lab import remote, switches
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


@app.command("set", help=f"Turn a switch. Switches: {switches.known()}")
def set_switch(
    switch: Annotated[str, typer.Argument(metavar="SWITCH=VALUE")],
    state: StateOption = _STATE,
) -> None:
    """Turn a switch of the running farm."""
    with _one_line():
        answer = remote.turn(Store(state), switch)
    typer.echo(f"{answer['switch']} is {answer['value']}")
