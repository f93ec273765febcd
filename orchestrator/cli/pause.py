"""`orchestrator pause`."""

from __future__ import annotations

from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.view import show
from orchestrator.execution.asking import ask_for_pause
from orchestrator.execution.who import Who
from orchestrator.report.results import Said


def pause(folder: PlanFolder) -> int:
    """Ask the run of a plan to stop before its next step; `orchestrator resume` goes on.

    Returns at once; the run itself ends with exit code 5. Exit codes: 0 asked, 1 nothing runs.
    """
    who = Who.here()
    ask_for_pause(folder, who.by, who.host)
    show(
        Said(
            "Asked. The run stops before its next step and ends with exit code 5; "
            f"see orchestrator status {folder}",
            {"folder": str(folder), "asked_by": who.by},
        )
    )
    return 0
