"""One line of the journal, chained to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

FIRST_LINK = "0" * 64
"""What the first entry is chained to."""


class Kind(StrEnum):
    """What happened. A step's start is written before its side effect, its end after."""

    PLAN_APPROVED = "plan-approved"
    RUN_STARTED = "run-started"
    STATE_READ = "state-read"
    BASELINE_PROBED = "baseline-probed"
    """What every path was like before the first change."""
    STEP_STARTED = "step-started"
    STEP_CHILD = "step-child"
    PATHS_PROBED = "paths-probed"
    """What the sources saw after a step, and what the gates make of it."""
    STEP_SUCCEEDED = "step-succeeded"
    STEP_FAILED = "step-failed"
    STEP_IN_DOUBT = "step-in-doubt"
    STEP_READ = "step-read"
    """The servers of a step that was begun and not finished were read, after its end."""
    STEPS_VERIFIED = "steps-verified"
    WINDOW_AWAITED = "window-awaited"
    """Nothing fits any more; written before waiting, or before ending as paused."""
    WINDOW_OPENED = "window-opened"
    RUN_FINISHED = "run-finished"
    RUN_STOPPED = "run-stopped"
    PAUSE_REQUESTED = "pause-requested"
    LOCK_TAKEN_OVER = "lock-taken-over"
    CHILD_FOUND = "child-found"
    """Processes of an interrupted run still lived; written before anything is done about it."""
    CHILD_GONE = "child-gone"
    DRIFT_FOUND = "drift-found"
    RULE_DISPROVED = "rule-disproved"
    """A pilot has shown what the farm does; kept in the organisation's findings, too."""
    RUN_RESUMED = "run-resumed"
    ROLLBACK_STARTED = "rollback-started"
    STEPS_COMPENSATED = "steps-compensated"


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    Parameters
    ----------
    seq : int
        From 1, without gaps.
    time : datetime
        Aware, in UTC.
    kind : str
        A `Kind`; kept as text so that an older program can show what a newer one wrote.
    step : str or None
        Id of the step it is about.
    attempt : int
        Which attempt of the step or run, from 1.
    data : mapping
        JSON values.
    link : str
        SHA-256 over the link before and this entry, in hexadecimal.
    """

    seq: int
    time: datetime
    kind: str
    step: str | None
    attempt: int
    data: Mapping[str, Any]
    link: str


def canonical(value: object) -> str:
    """JSON with one spelling only: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def link(
    before: str, *, seq: int, time: str, kind: str, step: str | None, attempt: int, data: str
) -> str:
    """The link of an entry, from its stored columns.

    Parameters
    ----------
    before : str
        Link of the entry before, `FIRST_LINK` for the first.
    time : str
        ISO 8601.
    data : str
        Canonical JSON, exactly as stored.
    """
    text = before + canonical([seq, time, kind, step, attempt, data])
    return hashlib.sha256(text.encode()).hexdigest()
