"""When steps start, until when they may, and until when everything can still be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from orchestrator.model.plan import Step
from orchestrator.model.schedule import TimedStep, TimePolicy
from orchestrator.model.window import MINUTE, Window
from orchestrator.model.words import counted
from orchestrator.report.page.inputs import ReportInput


@dataclass(frozen=True)
class Point:
    """A moment at which somebody decides.

    Parameters
    ----------
    name, when, text : str
    back : str
        What going back from there takes; empty if that is not the question.
    """

    name: str
    when: str
    text: str
    back: str = ""


class Times:
    """Times of a plan in words: on the wall with windows, else minutes after the start."""

    def __init__(self, given: ReportInput) -> None:
        self._plan = given.plan
        self._zone_of = given.zone
        self._schedule = given.plan.schedule
        self._policy = (
            self._schedule.policy
            if self._schedule
            else TimePolicy(replication_minutes=given.topology.replication_minutes)
        )
        self._timed = {t.step: t for t in self._schedule.steps} if self._schedule else {}
        self._offset: dict[str, tuple[int, int]] = {}
        at = 0
        for step in given.plan.steps:
            self._offset[step.id] = (at, at + step.estimated_minutes)
            at += step.estimated_minutes
        self.total = at

    @property
    def zone(self) -> str:
        """The zone times are shown in; empty without windows."""
        return self._schedule.calendar.zone if self._schedule else ""

    def start(self, step: Step) -> str:
        """When it starts."""
        timed = self._timed.get(step.id)
        return self._wall(timed.start) if timed else f"+{self._offset[step.id][0]} min"

    def end(self, step: Step) -> str:
        """When it ends."""
        timed = self._timed.get(step.id)
        return self._wall(timed.end) if timed else f"+{self._offset[step.id][1]} min"

    def span(self, first: Step, last: Step | None) -> str:
        """From the start of one step to the end of another."""
        if last is None:
            return f"from {self.start(first)}"
        return f"{self.start(first)} to {self.end(last)}"

    def order(self, step: Step) -> tuple[float, int]:
        """Sorts steps by time."""
        timed = self._timed.get(step.id)
        offset = self._offset[step.id][0]
        return (timed.start.timestamp() if timed else float(offset)), offset

    def latest(self, step: Step) -> str:
        """The last moment it may start and leave the reserve in its window; empty if unknown."""
        timed = self._timed.get(step.id)
        if timed is None or not step.servers:
            return ""
        spare = timed.window.end - (timed.end - timed.start) - timed.reserve_minutes * MINUTE
        return self._wall(spare)

    def span_of_plan(self) -> str:
        """From the first start to the last end."""
        if self._schedule is None:
            return f"{counted(self.total, 'minute')} one after another; no window is given"
        first = min(timed.start for timed in self._schedule.steps)
        return f"{self._wall(first)} to {self._wall(self._schedule.end)} ({self.zone})"

    def undo_minutes(self, steps: list[Step]) -> int:
        """Minutes to take steps back one after another, as estimated."""
        waiting = self._policy.replication_minutes
        return sum(
            max(self._policy.minutes(step) - (waiting if step.kind.changes_urls else 0), 0)
            for step in steps
            if step.kind.changes_build or step.kind.changes_urls
        )

    def points(self) -> list[Point]:
        """Go or no-go, rollback points and the point of no return, in order."""
        found = self._window_points() if self._schedule else self._plain_points()
        return [*found, self._no_return()]

    def _plain_points(self) -> list[Point]:
        found = [Point("Go / no-go", "before step 1", "Nothing is changed before step 1.")]
        done: list[Step] = []
        for number, step in enumerate(self._plan.steps, 1):
            done.append(step)
            if self._ends_pilot(step):
                found.append(self._pilot(number, done, self.end(step)))
        found.append(self._everything(done, f"+{self.total} min"))
        return found

    def _window_points(self) -> list[Point]:
        found: list[Point] = []
        schedule = self._schedule
        assert schedule is not None  # noqa: S101 - asked by the caller
        steps = {step.id: step for step in self._plan.steps}
        numbers = {step.id: n for n, step in enumerate(self._plan.steps, 1)}
        all_done: list[Step] = []
        for number, window in enumerate(schedule.windows, 1):
            inside = [t for t in schedule.steps if window.start <= t.start < window.end]
            first = min(inside, key=lambda t: t.start)
            found.append(
                Point(
                    f"Go / no-go, window {number}",
                    self._wall(first.start),
                    f"Before step {numbers[first.step]}, {first.step}. "
                    f"The window ends {self._wall(window.end)}.",
                )
            )
            for timed in inside:
                all_done.append(steps[timed.step])
                if self._ends_pilot(steps[timed.step]):
                    found.append(
                        self._pilot(numbers[timed.step], list(all_done), self._wall(timed.end))
                    )
            found.append(self._latest_rollback(number, window, inside, steps))
        found.append(self._everything(all_done, self._wall(schedule.end)))
        return found

    def _latest_rollback(
        self, number: int, window: Window, inside: list[TimedStep], steps: dict[str, Step]
    ) -> Point:
        moment, done = latest_way_back(self, window, inside, steps)
        all_of_it = self.undo_minutes([steps[t.step] for t in inside])
        name = f"Latest rollback, window {number}"
        if done == len(inside):
            text = (
                "Until then everything done in this window can be taken back before it ends, one "
                "step after another."
            )
        else:
            text = (
                "Until then what was done in this window so far can be taken back before it ends. "
                "Later the work is finished instead; each step still keeps its own reserve for "
                "taking that step back."
            )
        return Point(name, self._wall(moment), text, f"{all_of_it} min for all of this window")

    def _ends_pilot(self, step: Step) -> bool:
        pilots = [one for one in self._plan.steps if one.pilot]
        return bool(pilots) and step is pilots[-1]

    def _pilot(self, number: int, done: list[Step], when: str) -> Point:
        return Point(
            "Rollback point: pilot seen",
            when,
            f"After step {number} the pilot has shown on this farm what the documents leave open, "
            "or the run has stopped by itself. Going back is cheapest here.",
            f"{self.undo_minutes(done)} min",
        )

    def _everything(self, done: list[Step], when: str) -> Point:
        return Point(
            "Rollback point: all done",
            when,
            "The whole way back is in rollback/, planned and checked like the way there. Between "
            "these points the run can be stopped after any step: every such state was checked.",
            f"{self.undo_minutes(done)} min",
        )

    def _no_return(self) -> Point:
        stuck = sorted((s for s in self._plan.steps if not s.reversible), key=self.order)
        if not stuck:
            return Point("Point of no return", "none", "Every change of this plan can be undone.")
        first = stuck[0]
        number = next(n for n, s in enumerate(self._plan.steps, 1) if s is first)
        more = f" So it is with {len(stuck) - 1} more steps." if len(stuck) > 1 else ""
        return Point(
            "Point of no return",
            self.start(first),
            f"The start of step {number}, {first.id}: {first.irreversible_because}.{more}",
        )

    def wall(self, moment: datetime) -> str:
        """A moment in the plan's zone; in UTC without windows."""
        return self._wall(moment)

    def _wall(self, moment: datetime) -> str:
        if self._schedule is None:
            return moment.strftime("%a %Y-%m-%d %H:%M UTC")
        zone: tzinfo = self._zone_of(self._schedule.calendar.zone)
        return moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %z")


def latest_way_back(
    times: Times, window: Window, inside: list[TimedStep], steps: dict[str, Step]
) -> tuple[datetime, int]:
    """The last moment at which all that was begun in a window can be undone before its end.

    Returns
    -------
    tuple of datetime and int
        And how many of the steps are begun by then.
    """
    best, begun = inside[0].start, 0
    order = sorted(inside, key=lambda t: t.start)
    for count in range(1, len(order) + 1):
        undo = times.undo_minutes([steps[t.step] for t in order[:count]])
        moment = window.end - undo * MINUTE
        after = order[count].start if count < len(order) else window.end
        if moment >= order[count - 1].start:
            best, begun = min(moment, after), count
    return best, begun
