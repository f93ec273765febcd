"""`orchestrator diagnose`."""

from __future__ import annotations

from typing import Annotated

import typer

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
from orchestrator.graph import diagnose as judge
from orchestrator.planner import goal_state
from orchestrator.report.console import out
from orchestrator.report.diagnosis import print_diagnosis
from orchestrator.shipped import catalogue

BROKEN = 2


def diagnose(
    inventory: InventoryOption,
    live: Annotated[
        bool, typer.Option("--live", help="Read builds and URLs from the hosts.")
    ] = False,
    to: Goals = None,
    accept: Accept = None,
    strict: Strict = None,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Tell which proxied paths are broken now, and which a careless upgrade would break.

    Exit codes: 0 no path is broken, 1 error, 2 a path is broken or not known to work.
    """
    goals = read_goals(to or [])
    loaded = read_inventory(inventory, vault_password_file, extra_vars or [])
    book = rule_book(loaded, accept or [], strict or [])
    state, basis = observed_or_declared(loaded, live, extra_vars or [], vault_password_file)
    goal = goal_state(loaded.topology, state, goals, catalogue()) if goals else None
    diagnosis = judge(loaded.topology, state, book, goal)
    print_diagnosis(out(), diagnosis, basis=basis)
    return BROKEN if diagnosis.blocked else 0
