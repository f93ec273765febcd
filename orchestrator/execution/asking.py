"""What people ask of a plan's run from outside its process: to begin it, and to pause it.

Both are entries of the plan's journal, so that a run needs to listen to nobody else.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.gate import require_unused
from orchestrator.execution.who import runs_still
from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal


def ask_for_pause(folder: Path, by: str, host: str) -> Entry:
    """Ask the run of a plan folder to stop before its next step.

    Parameters
    ----------
    folder : Path
    by, host : str
        Who asks, and where.

    Raises
    ------
    OrchestratorError
        If no run of it goes on.
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
        return journal.append(Kind.PAUSE_REQUESTED, by=by, host=host)


def approve_plan(folder: Path, mark: str, by: str, host: str, via: str) -> Entry:
    """Write down that somebody approves a plan; `orchestrator apply` asks no more then.

    Parameters
    ----------
    folder : Path
    mark : str
        The digest that is approved; it says nothing of a folder that is changed afterwards.
    by, host : str
        Who approves, and where.
    via : str
        By what means, for whoever reads the journal.

    Raises
    ------
    OrchestratorError
        If the plan was begun already.
    """
    with Journal.open(folder / JOURNAL_NAME, clock=SystemClock()) as journal:
        require_unused(journal.entries())
        return journal.append(Kind.PLAN_APPROVED, digest=mark, by=by, host=host, via=via)


def approval_of(journal: Journal, mark: str) -> Entry | None:
    """The last approval of this very digest in a journal, if there is one."""
    found = None
    for entry in journal.entries():
        if entry.kind == Kind.PLAN_APPROVED:
            found = entry if entry.data.get("digest") == mark else None
    return found
