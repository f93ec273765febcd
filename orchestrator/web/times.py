"""Planned and actual times of steps, for the Gantt and for "until when". Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from orchestrator.journal.projection import RunView
from orchestrator.model.plan import Plan, Step
from orchestrator.model.window import Window


def planned(plan: Plan, begin: datetime) -> dict[str, tuple[datetime, datetime]]:
    """When each step should run.

    Parameters
    ----------
    plan : Plan
    begin : datetime
        Of the run; used where the plan has no times of its own: then the steps follow one
        another with nothing between.
    """
    if plan.schedule is not None:
        return {timed.step: (timed.start, timed.end) for timed in plan.schedule.steps}
    times = {}
    for step in plan.steps:
        end = begin + timedelta(minutes=step.estimated_minutes)
        times[step.id] = (begin, end)
        begin = end
    return times


def expected_end(
    plan: Plan, run: RunView, step: Step, times: Mapping[str, tuple[datetime, datetime]]
) -> datetime:
    """When a step that runs should end: its estimate from when it really began."""
    known = run.steps[step.id]
    start, end = times[step.id]
    return known.started + (end - start)


def windows(plan: Plan) -> tuple[Window, ...]:
    """The windows in which something runs; none if the plan has no times."""
    return plan.schedule.windows if plan.schedule is not None else ()


def window_end(plan: Plan, now: datetime) -> datetime | None:
    """The end of the window that is open now; None if none is."""
    for window in windows(plan):
        if window.start <= now < window.end:
            return window.end
    return None
