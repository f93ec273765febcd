"""`orchestrator rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.apply import Approve, PlanFolder, plan_and_farm
from orchestrator.cli.going_back import write_way_back
from orchestrator.cli.notices import Notify
from orchestrator.cli.options import ExtraVars, InventoryOption, VaultPasswordFile
from orchestrator.cli.running import (
    EndChild,
    Job,
    MaxParallel,
    TakeOver,
    inputs_of,
    run_job,
    show_report,
)
from orchestrator.cli.to_type import commands_for
from orchestrator.diagnostic import Diagnostic
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.model.topology import Topology


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
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site",
            metavar="SITE",
            help="Take back only what was changed at this site; refused if that breaks the rest.",
        ),
    ] = None,
    approve: Approve = "",
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
    take_over: TakeOver = False,
    end_child: EndChild = False,
    max_parallel: MaxParallel = None,
    notify: Notify = None,
) -> int:
    """Plan the way back from the farm as it is now; with --apply run it.

    Writes DIR/runs/N and touches nothing else. Exit codes as for plan and apply.
    """
    saved, loaded = plan_and_farm(folder, inventory, vault_password_file, extra_vars)
    inputs = inputs_of(loaded, extra_vars, vault_password_file)
    accepted = _accepted(accept_broken or [], saved.topology)
    sites = _known_sites(site or [], saved.topology, accepted)
    written = write_way_back(folder, saved, loaded, inputs, accepted, sites)
    if written is None or not apply_it:
        return 0
    run, back = written
    job = Job(
        folder=run,
        plan=back,
        inventory=loaded,
        inputs=inputs,
        approve=approve,
        commands=commands_for(run, inventory, extra_vars, vault_password_file),
        take_over=take_over,
        end_child=end_child,
        sites=sites,
        max_parallel=max_parallel,
        notify=notify,
    )
    return show_report(run_job(job))


def _known_sites(names: list[str], topology: Topology, accepted: frozenset[str]) -> tuple[str, ...]:
    if names and accepted:
        raise OrchestratorError(
            "--site and --accept-broken do not go together",
            "the way back of a site leaves no path broken that works now",
        )
    for name in names:
        if name not in topology.sites:
            remedy = f"sites: {', '.join(sorted(topology.sites))}"
            raise InvalidInput(
                [Diagnostic("CAS-E313", "--site", f'no site is called "{name}"', remedy=remedy)]
            )
    return tuple(sorted(set(names)))


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
