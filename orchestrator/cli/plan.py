"""`orchestrator plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.cli.inputs import read_goals, read_inventory, rule_book
from orchestrator.cli.live import observed_or_declared
from orchestrator.cli.options import (
    Accept,
    ExtraVars,
    Goals,
    InventoryOption,
    Strict,
    VaultPasswordFile,
)
from orchestrator.cli.planning import checked_plan, plan_files
from orchestrator.planfile import digest, write_folder
from orchestrator.planner import goal_state
from orchestrator.report.console import out
from orchestrator.report.plan_table import print_plan
from orchestrator.shipped import catalogue

CHANGES = 2


def plan(
    inventory: InventoryOption,
    to: Goals = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="New folder for plan.json, playbooks/ and rollback/."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Start from the state read from the hosts.")
    ] = False,
    accept: Accept = None,
    strict: Strict = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 when there are changes.")
    ] = False,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Order the upgrades so that no path breaks, and write them down.

    Exit codes: 0 written or nothing to do, 1 error, 2 changes (--detailed-exitcode),
    3 no safe plan.
    """
    console = out()
    if not to:
        raise typer.BadParameter('name at least one goal, e.g. --to "2010 SP2 RU2"')
    goals = read_goals(to)
    loaded = read_inventory(inventory, vault_password_file, extra_vars or [])
    book = rule_book(loaded, accept or [], strict or [])
    start, _ = observed_or_declared(loaded, live, extra_vars or [], vault_password_file)
    topology = loaded.topology
    end = goal_state(topology, start, goals, catalogue())
    made, report = checked_plan(topology, start, end, book)
    if not made.steps:
        console.print("Nothing to do: every server that may change is at its goal.")
        return 0
    print_plan(console, topology, made, book, catalogue(), report)
    if output is not None:
        files, notes = plan_files(topology, made, book, report, goals)
        write_folder(output, files)
        for note in notes:
            console.print(Text(f"Note: {note}."))
        console.print(Text(f"Written to {output}. Digest {digest(output)}"), soft_wrap=True)
    else:
        console.print("Dry run: nothing was written; give -o FOLDER to write the plan.")
    return CHANGES if detailed_exitcode else 0
