"""The state machine of a step, and the view that follows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.projection import RunView, view
from orchestrator.journal.steps import StepStatus, moved

TIME = datetime(2012, 4, 23, 22, 0, tzinfo=UTC)

STARTED = (Kind.STEP_STARTED, {})
DOUBT = (Kind.STEP_IN_DOUBT, {"reason": "killed"})
READ = (Kind.STEP_READ, {"reading": "done"})
SUCCEEDED = (Kind.STEP_SUCCEEDED, {})
VERIFIED = (Kind.STEPS_VERIFIED, {"steps": ["a"]})
UNDONE = (Kind.STEPS_COMPENSATED, {"steps": ["a"]})


def run_of(*kinds: tuple[Kind, dict[str, object]]) -> RunView:
    many = {Kind.STEPS_VERIFIED, Kind.STEPS_COMPENSATED}
    return view(
        Entry(n, TIME, str(kind), None if kind in many else "a", 1, data, "")
        for n, (kind, data) in enumerate(kinds, 1)
    )


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], StepStatus.PENDING),
        ([STARTED], StepStatus.STARTED),
        ([STARTED, SUCCEEDED], StepStatus.SUCCEEDED),
        ([STARTED, SUCCEEDED, VERIFIED], StepStatus.VERIFIED),
        ([STARTED, DOUBT], StepStatus.IN_DOUBT),
        ([STARTED, DOUBT, READ, STARTED, SUCCEEDED, VERIFIED], StepStatus.VERIFIED),
        ([STARTED, (Kind.STEP_FAILED, {}), STARTED], StepStatus.STARTED),
        ([STARTED, DOUBT, UNDONE], StepStatus.COMPENSATED),
        ([STARTED, SUCCEEDED, VERIFIED, UNDONE], StepStatus.COMPENSATED),
    ],
)
def test_ways_through_the_machine(
    kinds: list[tuple[Kind, dict[str, object]]], status: StepStatus
) -> None:
    run = run_of(*kinds)
    assert (run.status("a"), run.impossible) == (status, ())


@pytest.mark.parametrize(
    "kinds",
    [
        [SUCCEEDED],
        [STARTED, STARTED],
        [STARTED, VERIFIED],
        [STARTED, DOUBT, SUCCEEDED],
        # A doubt is resolved by reading and by nothing else.
        [STARTED, DOUBT, STARTED],
        [STARTED, DOUBT, READ, STARTED, DOUBT, STARTED],
        [STARTED, SUCCEEDED, STARTED],
        [STARTED, SUCCEEDED, UNDONE, STARTED],
        [STARTED, UNDONE],
    ],
)
def test_ways_there_are_not(kinds: list[tuple[Kind, dict[str, object]]]) -> None:
    before = run_of(*kinds[:-1])
    assert before.impossible == ()
    run = run_of(*kinds)
    assert len(run.impossible) == 1
    assert run.impossible[0].startswith(f"entry {len(kinds)}: {kinds[-1][0]} of step a, ")
    assert run.status("a") is before.status("a")


def test_what_is_done_is_not_begun() -> None:
    assert {s for s in StepStatus if s.done} == {StepStatus.SUCCEEDED, StepStatus.VERIFIED}
    assert not any(s.done and s.begun for s in StepStatus)
    assert moved(StepStatus.STARTED, Kind.STATE_READ) is StepStatus.STARTED
