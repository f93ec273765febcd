"""What a journal says, folded into a view: pure functions over its entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator.journal.entry import Entry, Kind


class StepStatus(StrEnum):
    """Where a step is, as far as the journal knows."""

    STARTED = "started"
    """Begun and no end written: it runs, or the program died with it, which is in doubt."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"


_ENDS = {
    Kind.STEP_STARTED: StepStatus.STARTED,
    Kind.STEP_SUCCEEDED: StepStatus.SUCCEEDED,
    Kind.STEP_FAILED: StepStatus.FAILED,
    Kind.STEP_IN_DOUBT: StepStatus.IN_DOUBT,
}


@dataclass(frozen=True)
class StepView:
    """One step as the journal knows it; `child` is the data of its last step-child entry."""

    status: StepStatus
    attempt: int
    started: datetime
    ended: datetime | None = None
    reason: str = ""
    child: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunView:
    """A run as the journal knows it.

    Parameters
    ----------
    digest : str
        Of the approved plan; empty if none was approved.
    approved_by : str
    started, ended : datetime or None
    finished : bool
        Every step succeeded.
    reason : str
        Why it stopped.
    steps : dict of step id to StepView
        In the order they were started; what is not here was never started.
    """

    digest: str = ""
    approved_by: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    finished: bool = False
    reason: str = ""
    steps: dict[str, StepView] = field(default_factory=dict)

    @property
    def unfinished(self) -> list[str]:
        """Steps that were started and have not succeeded."""
        return [name for name, s in self.steps.items() if s.status is not StepStatus.SUCCEEDED]


def view(entries: Iterable[Entry]) -> RunView:
    """Fold entries into a view, last one wins; unknown kinds are passed over."""
    fields: dict[str, Any] = {}
    steps: dict[str, StepView] = {}
    for entry in entries:
        if entry.kind == Kind.PLAN_APPROVED:
            fields["digest"] = str(entry.data.get("digest", ""))
            fields["approved_by"] = str(entry.data.get("by", ""))
        elif entry.kind == Kind.RUN_STARTED:
            fields.update(started=entry.time, ended=None, finished=False, reason="")
        elif entry.kind in {Kind.RUN_FINISHED, Kind.RUN_STOPPED}:
            fields["ended"] = entry.time
            fields["finished"] = entry.kind == Kind.RUN_FINISHED
            fields["reason"] = str(entry.data.get("reason", ""))
        elif entry.step is not None:
            _fold_step(steps, entry.step, entry)
    return RunView(**fields, steps=steps)


def _fold_step(steps: dict[str, StepView], name: str, entry: Entry) -> None:
    known = steps.get(name)
    if entry.kind == Kind.STEP_STARTED:
        steps[name] = StepView(StepStatus.STARTED, entry.attempt, entry.time)
    elif known is None:
        return
    elif entry.kind == Kind.STEP_CHILD:
        steps[name] = StepView(known.status, known.attempt, known.started, child=dict(entry.data))
    elif entry.kind in _ENDS:
        status = _ENDS[Kind(entry.kind)]
        reason = str(entry.data.get("reason", ""))
        steps[name] = StepView(
            status, known.attempt, known.started, entry.time, reason, known.child
        )
