"""A journal entry as one line of the page."""

from __future__ import annotations

from typing import Any

from orchestrator.journal.entry import Entry, Kind
from orchestrator.web.secrets import shown

_BAD = frozenset(
    {Kind.STEP_FAILED, Kind.STEP_IN_DOUBT, Kind.DRIFT_FOUND, Kind.RUN_STOPPED, Kind.CHILD_FOUND}
)

_SAID: dict[str, str] = {
    Kind.PLAN_APPROVED: "plan approved",
    Kind.RUN_STARTED: "run begun",
    Kind.STATE_READ: "farm read",
    Kind.STEP_STARTED: "begun",
    Kind.STEP_SUCCEEDED: "succeeded",
    Kind.STEP_FAILED: "failed",
    Kind.STEP_IN_DOUBT: "in doubt",
    Kind.STEP_READ: "its servers were read",
    Kind.STEPS_VERIFIED: "the farm is as the steps done should leave it",
    Kind.WINDOW_AWAITED: "nothing more fits; the next window is waited for",
    Kind.WINDOW_OPENED: "the window has opened",
    Kind.RUN_FINISHED: "run finished",
    Kind.RUN_STOPPED: "run stopped",
    Kind.PAUSE_REQUESTED: "pause asked for",
    Kind.LOCK_TAKEN_OVER: "lock taken over",
    Kind.CHILD_FOUND: "something left of an interrupted run still works",
    Kind.CHILD_GONE: "nothing of the interrupted run works any more",
    Kind.DRIFT_FOUND: "the farm had moved",
    Kind.RULE_DISPROVED: "the pilot has disproved a rule",
    Kind.RUN_RESUMED: "run resumed",
    Kind.ROLLBACK_STARTED: "way back begun",
    Kind.STEPS_COMPENSATED: "undone by a way back",
}

_TOLD = ("by", "reason", "via", "reading", "run", "until")
"""Fields a person is told; the whole entry is shown by `orchestrator journal`."""


def entry_row(entry: Entry) -> list[Any] | None:
    """Number, time, step, what happened, more of it, and whether it is bad news.

    None for what tells a person nothing.
    """
    if entry.kind == Kind.STEP_CHILD:
        return None
    said = _SAID.get(entry.kind, entry.kind)
    data = entry.data
    more = [str(data[key]).splitlines()[0] for key in _TOLD if data.get(key)]
    if isinstance(data.get("seconds"), (int, float)):
        more.append(f"after {data['seconds']:.0f} s")
    if isinstance(data.get("builds"), dict):
        more.append(f"{len(data['builds'])} servers")
    for failure in data.get("failures") or ():
        if isinstance(failure, dict):
            more.append(f"{failure.get('host')}: {failure.get('task')}: {failure.get('message')}")
    return [
        entry.seq,
        entry.time.isoformat(timespec="seconds"),
        entry.step or "",
        said,
        shown("; ".join(more)),
        entry.kind in _BAD,
    ]
