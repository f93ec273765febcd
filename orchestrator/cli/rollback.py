"""`orchestrator rollback`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.cli.apply import Approve, PlanFolder, require_same_farm
from orchestrator.cli.inputs import read_inventory
from orchestrator.cli.live import read_farm
from orchestrator.cli.options import ExtraVars, InventoryOption, VaultPasswordFile
from orchestrator.cli.planning import rollback_files, way_back
from orchestrator.cli.running import (
    EndChild,
    Job,
    TakeOver,
    commands_for,
    inputs_of,
    run_job,
    show_report,
)
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput
from orchestrator.model.topology import Topology
from orchestrator.planfile import digest, read_plan, write_folder
from orchestrator.planfile.folder import RUNS
from orchestrator.report.console import out
from orchestrator.report.plan_table import print_plan
from orchestrator.shipped import catalogue, playbook_parts, rule_pack


def rollback(
    folder: PlanFolder,
    inventory: InventoryOption,
    apply_it: Annotated[
        bool, typer.Option("--apply", help="Run the way back, after it was shown.")
    ] = False,
    accept_broken: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-broken",
            metavar="PATH",
            help="Go back even to a state in which this path is broken, as diagnose writes it.",
        ),
    ] = None,
    approve: Approve = "",
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
    take_over: TakeOver = False,
    end_child: EndChild = False,
) -> int:
    """Plan the way back from the farm as it is now; with --apply run it.

    Writes DIR/runs/N and touches nothing else. Exit codes as for plan and apply.
    """
    console = out()
    saved = read_plan(folder)
    loaded = read_inventory(inventory, vault_password_file, extra_vars or [])
    topology = saved.topology
    require_same_farm(saved, loaded.topology, folder, inventory)
    accepted = _accepted(accept_broken or [], topology)
    inputs = inputs_of(loaded, extra_vars, vault_password_file)
    farm = read_farm(inputs, loaded)
    if not farm.complete:
        raise InvalidInput(farm.problems)
    book = saved.rules.book(rule_pack, saved.policy)
    back, report = way_back(topology, saved.plan, farm.state, book, accepted)
    if not back.steps:
        console.print("Nothing to undo: the farm is where this way back would lead.")
        return 0
    print_plan(console, topology, back, book, catalogue(), report)
    if back.end != saved.plan.start:
        console.print(
            "Note: the start of the plan was broken; this ends in the last state in which no "
            "path is broken (--accept-broken PATH goes further)."
        )
    run = _next_run(folder)
    write_folder(run, rollback_files(topology, back, book, report, playbook_parts()))
    console.print(Text(f"Written to {run}. Digest {digest(run)}"), soft_wrap=True)
    if not apply_it:
        return 0
    job = Job(
        folder=run,
        plan=back,
        inventory=loaded,
        inputs=inputs,
        approve=approve,
        commands=commands_for(run, inventory, extra_vars),
        take_over=take_over,
        end_child=end_child,
    )
    return show_report(run_job(job))


def _accepted(words: list[str], topology: Topology) -> frozenset[str]:
    known = {str(path) for path in topology.paths}
    wrong = [word for word in words if word not in known]
    if wrong:
        raise InvalidInput(
            [
                Diagnostic(
                    "CAS-E310",
                    "--accept-broken",
                    f'no path is called "{word}"',
                    remedy=f"paths: {'; '.join(sorted(known))}",
                )
                for word in wrong
            ]
        )
    return frozenset(words)


def _next_run(folder: Path) -> Path:
    number = 1
    while (folder / RUNS / str(number)).exists():
        number += 1
    return folder / RUNS / str(number)
