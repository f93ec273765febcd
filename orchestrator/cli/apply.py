"""`orchestrator apply`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.checker import check, check_timed
from orchestrator.cli.going_back import write_way_back
from orchestrator.cli.inputs import read_inventory
from orchestrator.cli.notices import Notify
from orchestrator.cli.options import ExtraVars, InventoryOption, VaultPasswordFile
from orchestrator.cli.planning import EDITED, require_safe
from orchestrator.cli.running import (
    EndChild,
    Job,
    MaxParallel,
    TakeOver,
    Wait,
    WindowsFileOption,
    inputs_of,
    run_job,
    show_report,
)
from orchestrator.cli.to_type import commands_for
from orchestrator.errors import OrchestratorError, RunStopped, StalePlan
from orchestrator.execution.run import Commands, RunReport
from orchestrator.inventory import Inventory
from orchestrator.model.topology import Topology
from orchestrator.planfile import SavedPlan, digest, read_plan
from orchestrator.report.console import err, out
from orchestrator.shipped import rule_pack

PlanFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder that `orchestrator plan` wrote.")
]
Approve = Annotated[
    str, typer.Option("--approve", metavar="DIGEST", help="Approve unattended, by digest.")
]

ROLLED_BACK = 6
STOPPED = 5


class OnFailure(StrEnum):
    """What to do when a step fails or is in doubt."""

    STOP = "stop"
    ROLLBACK_SITE = "rollback-site"
    ROLLBACK = "rollback"


def apply(
    folder: PlanFolder,
    inventory: InventoryOption,
    approve: Approve = "",
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
    take_over: TakeOver = False,
    end_child: EndChild = False,
    max_parallel: MaxParallel = None,
    notify: Notify = None,
    windows: WindowsFileOption = None,
    wait: Wait = False,
    on_failure: Annotated[
        OnFailure,
        typer.Option(
            "--on-failure",
            help="stop: leave the farm as it is and say how; rollback-site: take back what was "
            "changed at the site of the step; rollback: take everything back. Planned from the "
            "farm as read, checked like any plan, approved together with the plan.",
        ),
    ] = OnFailure.STOP,
) -> int:
    """Run a plan step by step; stop at the first failure and say where the farm stands.

    Ctrl-C stops it after the step that runs, a second one at once. `orchestrator resume` goes on.
    Exit codes: 0 done, 1 error before anything was changed, 4 the farm is not where the plan
    starts, 5 stopped on the way or paused, 6 rolled back, 130 ended in the middle of a step.
    """
    saved, loaded = plan_and_farm(folder, inventory, vault_password_file, extra_vars)
    require_sound(saved, folder)
    job = Job(
        folder=folder,
        plan=saved.plan,
        inventory=loaded,
        inputs=inputs_of(loaded, extra_vars, vault_password_file),
        approve=approve,
        commands=commands_for(folder, inventory, extra_vars, vault_password_file, windows),
        take_over=take_over,
        end_child=end_child,
        max_parallel=max_parallel,
        notify=notify,
        windows=windows,
        wait=wait,
    )
    report = run_job(job)
    code = show_report(report)
    if on_failure is OnFailure.STOP or not _a_step_failed(report):
        return code
    sites: tuple[str, ...] = ()
    if on_failure is OnFailure.ROLLBACK_SITE and report.stop is not None:
        sites = tuple(sorted({step.pool.site for step in report.stop.failed if step.servers}))
        if not sites:
            out().print("Not going back: the step that failed only looks, it changed no site.")
            return code
    said = f"--on-failure {on_failure}"

    def commands(run: Path) -> Commands:
        return commands_for(run, inventory, extra_vars, vault_password_file)

    return _go_back(job, saved, commands, said, sites)


def _a_step_failed(report: RunReport) -> bool:
    """Whether it stopped by itself: what a person stopped is left to that person."""
    stop = report.stop
    return stop is not None and stop.step is not None and not stop.interrupted


def _go_back(
    job: Job,
    saved: SavedPlan,
    commands: Callable[[Path], Commands],
    said: str,
    sites: tuple[str, ...],
) -> int:
    """Take the way back from the farm as it is now; the exit code."""
    where = f" at {', '.join(sites)}" if sites else ""
    out().print(f"Going back{where}, as {said} asks.")
    try:
        written = write_way_back(job.folder, saved, job.inventory, job.inputs, sites=sites)
        if written is None:
            return ROLLED_BACK
        run, back = written
        own = replace(
            job,
            folder=run,
            plan=back,
            approve=digest(run),
            because=f"{said} of the plan {digest(job.folder)}",
            sites=sites,
            commands=commands(run),
            # The way back is what the reserve of the window is kept for.
            windows=None,
            wait=False,
        )
        report = run_job(own)
    except RunStopped:
        raise  # It was begun, and says itself what is known of its step.
    except OrchestratorError as error:
        err().print(Text(f"The way back was not begun: {error.message}", "red"), soft_wrap=True)
        err().print(
            Text(f"What to do: remove the cause, then {job.commands.rollback}"), soft_wrap=True
        )
        return STOPPED
    code = show_report(report)
    return ROLLED_BACK if code == 0 else code


def plan_and_farm(
    folder: Path, inventory: Path, vault_password_file: Path | None, extra_vars: list[str] | None
) -> tuple[SavedPlan, Inventory]:
    """A plan and the inventory it was made from, as they are now.

    Raises
    ------
    InvalidInput
        If one of them cannot be read.
    StalePlan
        If the plan is about another farm.
    """
    saved = read_plan(folder)
    loaded = read_inventory(inventory, vault_password_file, extra_vars or [])
    require_same_farm(saved, loaded.topology, folder, inventory)
    return saved, loaded


def require_sound(saved: SavedPlan, folder: Path) -> None:
    """Have the independent checker look at a saved plan again; stop if it finds anything."""
    book = saved.rules.book(rule_pack, saved.policy)
    require_safe(check(saved.topology, saved.plan, book), f"{folder} holds", EDITED)
    require_safe(check_timed(saved.topology, saved.plan, book), f"{folder} holds", EDITED)


def require_same_farm(saved: SavedPlan, topology: Topology, folder: Path, inventory: Path) -> None:
    """The plan must be about this inventory.

    Raises
    ------
    StalePlan
        If organisation, servers, pools or paths differ.
    """
    theirs, ours = saved.topology, topology
    if theirs.organization != ours.organization:
        raise StalePlan(
            f"{folder} is a plan for {theirs.organization}, {inventory} is {ours.organization}",
            "name the inventory the plan was made from",
        )
    found = [
        *(
            f"server {name} is not in the inventory"
            for name in theirs.servers
            if name not in ours.servers
        ),
        *(f"server {name} is new" for name in ours.servers if name not in theirs.servers),
        *(
            f"pool {p} is described otherwise"
            for p in theirs.pools
            if theirs.pools[p] != ours.pools.get(p)
        ),
        *(f"path {p} is gone or has other users" for p in theirs.paths if p not in ours.paths),
        *(f"path {p} is new" for p in ours.paths if p not in theirs.paths),
    ]
    if found:
        lines = "\n".join(f"  {line}" for line in found)
        raise StalePlan(
            f"{inventory} is not what {folder} was made from:\n{lines}",
            "nothing was changed; make a new plan",
        )
