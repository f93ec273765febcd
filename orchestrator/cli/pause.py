"""`orchestrator pause`."""

from __future__ import annotations

from rich.text import Text

from orchestrator.cli.apply import PlanFolder
from orchestrator.execution.asking import ask_for_pause
from orchestrator.execution.who import Who
from orchestrator.report.console import out


def pause(folder: PlanFolder) -> int:
    """Ask the run of a plan to stop before its next step; `orchestrator resume` goes on.

    Returns at once; the run itself ends with exit code 5. Exit codes: 0 asked, 1 nothing runs.
    """
    who = Who.here()
    ask_for_pause(folder, who.by, who.host)
    out().print(
        Text(
            "Asked. The run stops before its next step and ends with exit code 5; "
            f"see orchestrator status {folder}"
        ),
        soft_wrap=True,
    )
    return 0
