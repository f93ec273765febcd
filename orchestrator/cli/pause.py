"""`orchestrator pause`."""

from __future__ import annotations

from rich.text import Text

from orchestrator.cli.apply import PlanFolder
from orchestrator.errors import OrchestratorError
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.who import Who, runs_still
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.report.console import out


def pause(folder: PlanFolder) -> int:
    """Ask the run of a plan to stop before its next step; `orchestrator resume` goes on.

    Returns at once; the run itself ends with exit code 5. Exit codes: 0 asked, 1 nothing runs.
    """
    path = folder / JOURNAL_NAME
    # Opening for writing would make one.
    with Journal.read(path) as journal:
        run = view(journal.entries())
    if not run.open or runs_still(run.by) is False:
        raise OrchestratorError(
            f"no run of {folder} goes on", f"see where it stands: orchestrator status {folder}"
        )
    with Journal.open(path, clock=SystemClock()) as journal:
        who = Who.here()
        journal.append(Kind.PAUSE_REQUESTED, by=who.by, host=who.host)
    out().print(
        Text(
            "Asked. The run stops before its next step and ends with exit code 5; "
            f"see orchestrator status {folder}"
        ),
        soft_wrap=True,
    )
    return 0
