"""`orchestrator plan`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from orchestrator.cli.certificate import write_certificate
from orchestrator.cli.options import (
    Accept,
    ExtraVars,
    Goals,
    OptionalInventory,
    Strict,
    VaultPasswordFile,
)
from orchestrator.cli.planning import checked_plan, plan_files
from orchestrator.cli.question import Question, Source, ask
from orchestrator.cli.view import show
from orchestrator.cli.windows import read_times
from orchestrator.errors import NoSafePlan
from orchestrator.execution.learned import read_durations, told_of, with_learned
from orchestrator.inventory.policy_file import read_thresholds
from orchestrator.inventory.windows import WindowsFile
from orchestrator.model.topology import PoolId
from orchestrator.planfile import digest, write_folder
from orchestrator.planfile.organization import organization_document
from orchestrator.planfile.organization_file import write_organization
from orchestrator.planner import goal_state
from orchestrator.report.console import out
from orchestrator.report.planned import NOTHING_PLANNED, Planned
from orchestrator.report.results import Said
from orchestrator.shipped import catalogue, zone

CHANGES = 2


def plan(
    inventory: OptionalInventory = None,
    organization: Annotated[
        Path | None,
        typer.Option(
            "--organization",
            metavar="FILE",
            help="Plan from an organisation document (YAML, or JSON if named .json) without hosts.",
        ),
    ] = None,
    to: Goals = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="New folder for plan.json, playbooks/ and rollback/."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Start from the state read from the hosts.")
    ] = False,
    organization_to: Annotated[
        Path | None,
        typer.Option(
            "--write-organization",
            metavar="FILE",
            help="New file for the organisation document this plan follows from.",
        ),
    ] = None,
    windows: Annotated[
        Path | None,
        typer.Option(
            "--windows", metavar="FILE", help="Maintenance windows: gives every step its time."
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            metavar="FILE",
            help="New file (Markdown) for the reason why there is no safe plan, if there is none.",
        ),
    ] = None,
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
    asked = ask(
        Source(inventory, organization, live, extra_vars or [], vault_password_file),
        to or [],
        accept or [],
        strict or [],
    )
    times = read_times(asked.topology, windows) if windows is not None else asked.windows
    if organization_to is not None:
        _write(asked, times, organization_to)
        if not asked.goals:
            show(Said("", NOTHING_PLANNED))
            return 0
    if not asked.goals:
        raise typer.BadParameter('name at least one goal, e.g. --to "2010 SP2 RU2"')
    topology = asked.topology
    learned: dict[PoolId, str] = {}
    if inventory is not None:
        known, limits = read_durations(inventory), read_thresholds(inventory)
        topology, learned = with_learned(topology, known, limits)
    book = asked.book
    end = goal_state(topology, asked.start, asked.goals, catalogue())
    try:
        timing = None if times is None else times.timing
        made, report = checked_plan(topology, asked.start, end, book, timing=timing)
    except NoSafePlan as refusal:
        if certificate is not None:
            write_certificate(refusal, certificate)
        raise
    if not made.steps:
        show(Said("Nothing to do: every server that may change is at its goal.", NOTHING_PLANNED))
        return 0
    made = replace(made, remarks=(*made.remarks, *told_of(made, learned, asked.topology, topology)))
    found = Planned(topology, made, book, catalogue(), report, zone, asked.goals)
    if output is not None:
        files, notes = plan_files(topology, made, book, report, asked.goals)
        write_folder(output, files)
        found = replace(found, folder=output, digest=digest(output), notes=tuple(notes))
    show(found)
    return CHANGES if detailed_exitcode else 0


def _write(asked: Question, times: WindowsFile | None, file: Path) -> None:
    document = organization_document(asked.topology, asked.start, asked.goals, asked.book, times)
    write_organization(document, file)
    out().print(Text(f"Organisation document written to {file}."), soft_wrap=True)
