"""Whether a step fits into the window that is open now, and if not, into which one; no clock here.

A window is ``[start, end)``. A step starts only if its minutes, its verification included, and the
minutes kept for taking it back fit before the end. Every state between two steps is safe, so
taking back the step itself is the way to a safe state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.model.plan import Step
from orchestrator.model.schedule import Calendar, Schedule, TimePolicy
from orchestrator.model.window import MINUTE, Window
from orchestrator.model.words import counted

PLAN_TIMES = "the plan"
"""Where windows come from that were approved with the plan."""


@dataclass(frozen=True)
class Opening:
    """When a step may start.

    Parameters
    ----------
    minutes, reserve : int
        What the step may take with its verification, and what is kept for taking it back.
    window : Window or None
        The one it may start in now.
    later : Window or None
        The next one it fits into, if it may not start now; None: there is none left.
    why : str
        Why not now; empty if it may.
    """

    minutes: int
    reserve: int
    window: Window | None = None
    later: Window | None = None
    why: str = ""


@dataclass(frozen=True)
class Times:
    """The windows a run keeps to.

    Parameters
    ----------
    calendar : Calendar
    policy : TimePolicy
    planned : mapping of step id to Window
        The window the plan gives a step: it does not start in an earlier one. Inside it, and in
        later ones, it starts as soon as what it comes after is done.
    learned : mapping of step id to int
        Minutes that steps like it have taken; counts where it is more than the plan's estimate.
    source : str
        Where the windows come from, for the journal.
    """

    calendar: Calendar
    policy: TimePolicy
    planned: Mapping[str, Window] = field(default_factory=dict)
    learned: Mapping[str, int] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def of_plan(cls, schedule: Schedule, learned: Mapping[str, int]) -> Times:
        """Those the plan was approved with."""
        planned = {timed.step: timed.window for timed in schedule.steps}
        return cls(schedule.calendar, schedule.policy, planned, learned, PLAN_TIMES)

    def opening(self, step: Step, now: datetime) -> Opening:
        """When a step may start, seen from a moment in UTC."""
        longer = max(0, self.learned.get(step.id, 0) - step.estimated_minutes)
        minutes = self.policy.minutes(step) + longer
        reserve = self.policy.reserve(step)
        if reserve and self.policy.reserve_minutes is None:
            reserve += longer
        whole = timedelta(minutes=minutes + reserve)
        planned = self.planned.get(step.id)
        open_now: Window | None = None
        for window in self.calendar.of(step).windows:
            if window.end <= now:
                continue
            if window.start <= now:
                open_now = window
            if planned is not None and window.start < planned.start:
                continue
            if max(window.start, now) + whole > window.end:
                continue
            if window.start <= now:
                return Opening(minutes, reserve, window=window)
            return Opening(minutes, reserve, None, window, self._why(step, now, open_now, whole))
        return Opening(minutes, reserve, None, None, self._why(step, now, open_now, whole))

    def _why(self, step: Step, now: datetime, open_now: Window | None, whole: timedelta) -> str:
        if open_now is None:
            return f"no window of {self._place(step)} is open"
        planned = self.planned.get(step.id)
        if planned is not None and open_now.start < planned.start:
            return f"the plan gives it the window from {show(planned.start)}"
        left = max(0, (open_now.end - now) // MINUTE)
        return f"it needs {counted(whole // MINUTE, 'minute')}, the window has {left} left"

    def _place(self, step: Step) -> str:
        return step.pool.site if step.servers else "any site"

    def longest(self, step: Step) -> int:
        """Minutes of the longest window a step may run in."""
        return max((window.minutes for window in self.calendar.of(step).windows), default=0)

    def minutes_left(self, now: datetime) -> int:
        """Minutes until the last window ends."""
        windows = self.calendar.anywhere.windows
        return max(0, (windows[-1].end - now) // MINUTE) if windows else 0


def earliest(openings: Iterable[Opening]) -> datetime | None:
    """When the first of several steps may start that may not start now."""
    return min((o.later.start for o in openings if o.later is not None), default=None)


def show(moment: datetime) -> str:
    """A moment for people and for the journal."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
