"""Processes of a run that died: they go on with their task, so they come first.

A killed program leaves ansible-playbook and its workers behind. Whoever acts on the farm before
they have ended acts against them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import OrchestratorError, RunStopped
from orchestrator.execution import process
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import RunView
from orchestrator.journal.store import Journal

_LOOK_SECONDS = 0.3


def living(folder: Path, run: RunView) -> list[int]:
    """Pids of what still works for the runs of a plan folder, sorted.

    Found by the private folders below it, which also tells of workers and of a child that died
    too early to be in the journal; and by the journal, which also tells of another user's.
    """
    found = {pid for place in _places(folder, run) for pid in process.of_run(place)}
    for step in run.steps.values():
        pid, identity = step.child.get("pid"), str(step.child.get("identity", ""))
        if pid is not None and identity and process.alive(int(pid), identity):
            found.add(int(pid))
    return sorted(found)


def settle(
    folder: Path,
    run: RunView,
    *,
    journal: Journal,
    end: bool,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> None:
    """Wait until nothing works for a plan folder any more, or end it.

    Parameters
    ----------
    folder : Path
        Of the plan whose run died.
    run : RunView
        Of that plan.
    journal : Journal
        Where it is written down.
    end : bool
        End the processes instead of waiting; what they were doing is then not known.
    say : callable
        Told once what is waited for.
    cancelled : callable
        True gives up waiting.

    Raises
    ------
    RunStopped
        If waiting was given up; the processes go on.
    OrchestratorError
        If they cannot be ended.
    """
    left = living(folder, run)
    if not left:
        return
    named = ", ".join(map(str, left))
    action = "end" if end else "wait"
    journal.append(Kind.CHILD_FOUND, pids=left, folder=str(folder.absolute()), action=action)
    if end:
        say(f"The interrupted run still works (process {named}); ending it ...")
        for place in _places(folder, run):
            process.end_run(place)
        if left := living(folder, run):
            raise OrchestratorError(
                f"process {', '.join(map(str, left))} of the interrupted run cannot be ended",
                "it belongs to another user, or waits for a disk: end it, then run this again",
            )
    else:
        say(
            f"The interrupted run still works (process {named}); waiting for it to end "
            "(--end-child ends it) ..."
        )
        while living(folder, run):
            if cancelled():
                raise RunStopped(
                    f"process {named} of the interrupted run still works; nothing else was done",
                    "run this again to wait for it, or with --end-child to end it",
                )
            time.sleep(_LOOK_SECONDS)
    journal.append(Kind.CHILD_GONE, pids=left, how="ended" if end else "ended by itself")


def _places(folder: Path, run: RunView) -> set[Path]:
    """Where private folders may be, also if the plan was named by another path before."""
    begun = [step for step in run.steps.values() if step.status.begun and step.child.get("folder")]
    return {folder.absolute(), folder.resolve(), *(Path(step.child["folder"]) for step in begun)}
