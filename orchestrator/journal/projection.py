"""What a journal says, folded into a view: pure functions over its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.steps import StepStatus, moved

_ENDS = frozenset({Kind.STEP_SUCCEEDED, Kind.STEP_FAILED, Kind.STEP_IN_DOUBT})
_ABOUT_MANY = frozenset({Kind.STEPS_VERIFIED, Kind.STEPS_COMPENSATED})


@dataclass(frozen=True)
class StepView:
    """One step as the journal knows it.

    Parameters
    ----------
    status : StepStatus
    attempt : int
        The last one, from 1.
    started, ended : datetime or None
        Of that attempt.
    reason : str
        Why it did not succeed.
    child : mapping
        Data of the attempt's step-child entry.
    reading : str
        What its servers were found to be like after the attempt; empty if they were not read.
    """

    status: StepStatus
    attempt: int
    started: datetime
    ended: datetime | None = None
    reason: str = ""
    child: Mapping[str, Any] = field(default_factory=dict)
    reading: str = ""


@dataclass(frozen=True)
class RunView:
    """A run as the journal knows it.

    Parameters
    ----------
    digest : str
        Of the approved plan; empty if none was approved.
    approved_by : str
    started, ended : datetime or None
        When the plan was begun; when the program last stopped working on it.
    finished : bool
        Every step succeeded and the farm was read and is where the plan ends.
    reason : str
        Why it stopped.
    by : mapping
        The process that worked on it last: ``by``, ``host``, ``pid``, ``identity``.
    pause_by : str
        Who asked for a pause of the part of the run that goes on now; empty if nobody.
    windows : str
        Where the windows of the last part came from; empty if it kept to none.
    next_window : str
        When the window opens that is waited for, ISO 8601 in UTC; empty if none is.
    rollback : str
        Folder of the way back that was begun last, relative to the plan's; empty if none.
    drift : tuple of str
        What had moved when a resume was refused last; empty once one was not.
    steps : dict of step id to StepView
        In the order they were started; what is not here was never started.
    impossible : tuple of str
        Entries that do not follow from the ones before; always empty unless a journal was
        written by something else.
    """

    digest: str = ""
    approved_by: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    finished: bool = False
    reason: str = ""
    by: Mapping[str, Any] = field(default_factory=dict)
    pause_by: str = ""
    windows: str = ""
    next_window: str = ""
    rollback: str = ""
    drift: tuple[str, ...] = ()
    steps: dict[str, StepView] = field(default_factory=dict)
    impossible: tuple[str, ...] = ()

    @property
    def unfinished(self) -> list[str]:
        """Steps that were started and are not done."""
        return [name for name, s in self.steps.items() if s.status.begun]

    @property
    def open(self) -> bool:
        """Begun and neither finished nor stopped: it runs still, or died."""
        return self.started is not None and self.ended is None

    def status(self, step: str) -> StepStatus:
        """Where a step is."""
        known = self.steps.get(step)
        return known.status if known else StepStatus.PENDING


def view(entries: Iterable[Entry]) -> RunView:
    """Fold entries into a view, last one wins; unknown kinds are passed over."""
    fields: dict[str, Any] = {}
    steps: dict[str, StepView] = {}
    impossible: list[str] = []
    for entry in entries:
        _fold_run(fields, entry)
        names = [entry.step] if entry.step is not None else []
        if entry.kind in _ABOUT_MANY:
            names = [str(name) for name in entry.data.get("steps", [])]
        for name in names:
            if not _fold_step(steps, name, entry):
                known = steps.get(name)
                before = known.status if known else StepStatus.PENDING
                impossible.append(f"entry {entry.seq}: {entry.kind} of step {name}, {before}")
    return RunView(**fields, steps=steps, impossible=tuple(impossible))


def _fold_run(fields: dict[str, Any], entry: Entry) -> None:
    data = entry.data
    if entry.kind == Kind.PLAN_APPROVED:
        fields["digest"] = str(data.get("digest", ""))
        fields["approved_by"] = str(data.get("by", ""))
    elif entry.kind in {Kind.RUN_STARTED, Kind.RUN_RESUMED}:
        fields.update(ended=None, finished=False, reason="", pause_by="", drift=())
        fields["by"] = data.get("who", {})
        fields.update(windows=str(data.get("windows", "")), next_window="")
        fields.setdefault("started", entry.time)
    elif entry.kind in {Kind.RUN_FINISHED, Kind.RUN_STOPPED}:
        fields.update(
            ended=entry.time,
            finished=entry.kind == Kind.RUN_FINISHED,
            reason=str(data.get("reason", "")),
        )
    elif entry.kind in {Kind.WINDOW_AWAITED, Kind.WINDOW_OPENED}:
        fields["next_window"] = str(data.get("until") or "")
    elif entry.kind == Kind.PAUSE_REQUESTED:
        fields["pause_by"] = str(data.get("by", "")) or "somebody"
    elif entry.kind == Kind.DRIFT_FOUND:
        fields["drift"] = tuple(str(line) for line in data.get("differences", []))
    elif entry.kind == Kind.ROLLBACK_STARTED:
        fields["rollback"] = str(data.get("run", ""))


def _fold_step(steps: dict[str, StepView], name: str, entry: Entry) -> bool:
    """Whether the entry follows from where the step was."""
    known = steps.get(name)
    try:
        kind = Kind(entry.kind)
    except ValueError:
        return True
    before = known.status if known else StepStatus.PENDING
    status = moved(before, kind, was_read=bool(known and known.reading))
    if status is None:
        return False
    if kind is Kind.STEP_STARTED:
        steps[name] = StepView(status, entry.attempt, entry.time)
    elif known is None:
        return False
    elif kind is Kind.STEP_CHILD:
        steps[name] = replace(known, child=dict(entry.data))
    elif kind is Kind.STEP_READ:
        steps[name] = replace(known, reading=str(entry.data.get("reading", "")))
    elif kind in _ENDS:
        reason = str(entry.data.get("reason", ""))
        steps[name] = replace(known, status=status, ended=entry.time, reason=reason, reading="")
    else:
        steps[name] = replace(known, status=status)
    return True
