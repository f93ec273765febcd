"""`orchestrator diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.evidence import Inputs, diagnose_evidence
from orchestrator.cli.inputs import read_goals, read_inventory, rule_book
from orchestrator.cli.options import (
    Accept,
    ExtraVars,
    Goals,
    OptionalInventory,
    Strict,
    VaultPasswordFile,
)
from orchestrator.discovery.answer import Builds
from orchestrator.errors import OrchestratorError
from orchestrator.rules.rule import Policy, Verdict

BROKEN = 2

Paths = list[Path] | None


def diagnose(
    inventory: OptionalInventory = None,
    live: Annotated[
        bool, typer.Option("--live", help="Read builds and URLs from the hosts.")
    ] = False,
    events: Annotated[
        Paths,
        typer.Option("--events", help="Event log or folder: .evtx, CLIXML, XML, CSV, text."),
    ] = None,
    iis_logs: Annotated[
        Paths, typer.Option("--iis-logs", help="IIS W3C log or folder, packed by gzip or not.")
    ] = None,
    exports: Annotated[
        Paths,
        typer.Option("--exports", help="Exports of Exchange's cmdlets: CLIXML, JSON, CSV."),
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(
            "--zone",
            metavar="[SITE=]ZONE",
            help="Time zone of all sites or of one, for hours and for times without a zone. "
            "Default: UTC.",
        ),
    ] = None,
    to: Goals = None,
    accept: Accept = None,
    strict: Strict = None,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Tell which proxied paths are broken now, and which a careless upgrade would break.

    From an inventory, from live hosts, from logs and exports, or from all of them together.

    Exit codes: 0 no path is broken, 1 error, 2 a path is broken or not known to work.
    """
    goals = read_goals(to or [])
    inputs = Inputs(events or (), iis_logs or (), exports or (), zone or ())
    _check(inventory, inputs, needs_inventory=live or bool(goals))
    blocked, known = False, Builds()
    loaded = None
    if inventory is not None:
        loaded = read_inventory(inventory, vault_password_file, extra_vars or [])
    book = rule_book(loaded or Policy(), accept or [], strict or [])
    if loaded is not None or inputs.exports:
        from orchestrator.cli import judging  # loads networkx, which logs do without
    if loaded is not None:
        diagnosis, known = judging.diagnose_inventory(
            loaded,
            book,
            goals,
            live=live,
            extra_vars=extra_vars or [],
            vault_password_file=vault_password_file,
        )
        blocked = bool(diagnosis.blocked)
    if inputs.exports:
        diagnosis, exported = judging.diagnose_exports(inputs.exports, book)
        blocked |= bool(diagnosis.blocked)
        if not live:  # what was read from the hosts is newer than any file
            known = known.under(exported)
    if inputs.events or inputs.iis_logs:
        found = diagnose_evidence(inputs, known, book)
        blocked |= found.verdict is Verdict.BROKEN
        # without any other input, what is not known is the answer
        blocked |= found.verdict is Verdict.UNKNOWN and bool(found.paths or not known.now)
    return BROKEN if blocked else 0


def _check(inventory: Path | None, inputs: Inputs, *, needs_inventory: bool) -> None:
    if inventory is None and not inputs:
        raise OrchestratorError(
            "nothing to judge", "-i FOLDER, or any of --events, --iis-logs and --exports"
        )
    if inventory is None and needs_inventory:
        raise OrchestratorError("--live and --to need an inventory", "add -i FOLDER")
