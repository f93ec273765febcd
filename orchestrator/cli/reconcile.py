"""`orchestrator reconcile`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.inputs import read_inventory
from orchestrator.cli.live import ansible_inputs, discover_hosts
from orchestrator.cli.options import ExtraVars, InventoryOption, VaultPasswordFile
from orchestrator.cli.reconciling import Vantage, draft_of, found_before, look_at_redirects
from orchestrator.cli.reconciling import read_logs as logs_of
from orchestrator.cli.redirect_file import read_checks, write_checks
from orchestrator.cli.view import show
from orchestrator.discovery.reconcile import Findings, Standing
from orchestrator.discovery.reconcile import reconcile as hold
from orchestrator.discovery.redirects import merged
from orchestrator.errors import OrchestratorError
from orchestrator.report.reconciliation import Reconciled

DIFFERS = 2


def reconcile(
    inventory: InventoryOption,
    live: Annotated[bool, typer.Option("--live", help="Read the hosts.")] = False,
    found: Annotated[
        Path | None,
        typer.Option("--found", metavar="FOLDER", help="Folder that `discover` wrote."),
    ] = None,
    events: Annotated[
        list[Path] | None,
        typer.Option("--events", help="Event log or folder: .evtx, CLIXML, XML, CSV, text."),
    ] = None,
    iis_logs: Annotated[
        list[Path] | None,
        typer.Option("--iis-logs", help="IIS W3C log or folder, packed by gzip or not."),
    ] = None,
    redirects: Annotated[
        bool,
        typer.Option(
            "--redirects",
            help="Look at every redirect_url from this machine: name, certificate, publishing, and "
            "a log-on with the pool's test mailbox.",
        ),
    ] = False,
    vantage: Annotated[
        Vantage, typer.Option("--vantage", help="Where this machine stands.")
    ] = Vantage.INSIDE,
    evidence: Annotated[
        Path | None,
        typer.Option(
            "--evidence",
            metavar="FILE",
            help="JSON file of looks at redirect addresses; read, and with --redirects added to.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=365, help="How far back --live reads events.")
    ] = 7,
    everything: Annotated[bool, typer.Option("--all", help="Show what agrees, too.")] = False,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Hold what was declared against what was read from the hosts and logged by them.

    Nothing is changed on any host. What nobody can tell is unknown, never ok.

    Exit codes: 0 nothing differs, 1 error, 2 something differs.
    """
    if live and found is not None:
        raise OrchestratorError("--live and --found say both what was read", "give one of them")
    if not (live or found or events or iis_logs or redirects or evidence):
        raise OrchestratorError(
            "there is nothing to hold the inventory against",
            "--live, --found FOLDER, --iis-logs, --events or --redirects",
        )
    loaded = read_inventory(inventory, vault_password_file, extra_vars or [])
    inputs = ansible_inputs(loaded, extra_vars or [], vault_password_file)
    topology = loaded.topology
    read = found_before(found) if found is not None else None
    if live:
        since = datetime.now(UTC) - timedelta(days=days)
        names = sorted(topology.servers)
        read = draft_of(
            discover_hosts(inputs, names, f"{since:%Y-%m-%dT%H:%M:%SZ}", limit="exchange")
        )
    checks = read_checks(evidence) if evidence is not None else {}
    if redirects:
        seen = look_at_redirects(inputs, topology, vantage)
        checks = {pool: merged(checks.get(pool, ()), now) for pool, now in seen.items()}
        if evidence is not None:
            write_checks(evidence, checks)
    rows = hold(
        topology,
        loaded.declared,
        Findings(
            draft=read.draft if read is not None else None,
            not_read=read.not_read if read is not None else (),
            evidence=logs_of(events or (), iis_logs or (), read),
            redirects=checks,
        ),
    )
    problems = read.problems if read is not None else ()
    show(Reconciled(rows, problems, everything))
    return DIFFERS if any(row.standing is Standing.DIFFERS for row in rows) else 0
