"""The state machine of a step: which status follows from which entry, and from nowhere else.

pending -> started -> succeeded -> verified
                   -> failed
                   -> in-doubt -> (the hosts are read) -> started again
any of them but pending and started -> compensated by a way back
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.journal.entry import Kind


class StepStatus(StrEnum):
    """Where a step is, as far as the journal knows."""

    PENDING = "pending"
    STARTED = "started"
    """Begun and no end written: it runs, or the program died with it, which is in doubt."""
    SUCCEEDED = "succeeded"
    """Its playbook ended well: the servers are at their goal and the probes saw it."""
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    """What it did is not known until its servers were read."""
    VERIFIED = "verified"
    """Succeeded, and the whole farm read afterwards was as the steps done should leave it."""
    COMPENSATED = "compensated"
    """Undone by a way back."""

    @property
    def done(self) -> bool:
        """Whether the step need not run any more for the plan to go on."""
        return self in {StepStatus.SUCCEEDED, StepStatus.VERIFIED}

    @property
    def begun(self) -> bool:
        """Whether the step was started and is not done: its servers may be anywhere between."""
        return self in {StepStatus.STARTED, StepStatus.FAILED, StepStatus.IN_DOUBT}


_RESTING = frozenset(StepStatus) - {StepStatus.PENDING, StepStatus.STARTED}

_MOVES: dict[Kind, tuple[frozenset[StepStatus], StepStatus]] = {
    Kind.STEP_STARTED: (
        frozenset({StepStatus.PENDING, StepStatus.FAILED, StepStatus.IN_DOUBT}),
        StepStatus.STARTED,
    ),
    Kind.STEP_SUCCEEDED: (frozenset({StepStatus.STARTED}), StepStatus.SUCCEEDED),
    Kind.STEP_FAILED: (frozenset({StepStatus.STARTED}), StepStatus.FAILED),
    Kind.STEP_IN_DOUBT: (frozenset({StepStatus.STARTED}), StepStatus.IN_DOUBT),
    Kind.STEPS_VERIFIED: (
        frozenset({StepStatus.SUCCEEDED, StepStatus.VERIFIED}),
        StepStatus.VERIFIED,
    ),
    Kind.STEPS_COMPENSATED: (_RESTING, StepStatus.COMPENSATED),
}


def moved(status: StepStatus, kind: Kind, *, was_read: bool = False) -> StepStatus | None:
    """The status after an entry; None where the machine has no such move.

    Parameters
    ----------
    status : StepStatus
    kind : Kind
        Kinds that do not move a step leave it where it is.
    was_read : bool
        Whether the servers of the step were read since it came into doubt: nothing else
        resolves a doubt.
    """
    if kind not in _MOVES:
        return status
    allowed, goal = _MOVES[kind]
    if status not in allowed:
        return None
    if status is StepStatus.IN_DOUBT and kind is Kind.STEP_STARTED and not was_read:
        return None
    return goal
