"""`orchestrator report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.reporting import report_of, write_report
from orchestrator.cli.view import show
from orchestrator.report.results import Said


def report(
    folder: PlanFolder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Instead of DIR/report.html."),
    ] = None,
) -> int:
    """Write DIR/report.html anew: with planned and actual, coverage and journal after a run.

    Reads plan and journal only. The report is not part of the digest. Exit codes: 0 written,
    1 plan or journal cannot be read.
    """
    file = write_report(folder, report_of(folder), output)
    show(Said(f"Written to {file}.", {"file": str(file)}))
    return 0
