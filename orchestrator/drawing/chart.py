"""What a Gantt chart shows: bands of time, lanes, and bars for steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from orchestrator.journal.projection import RunView
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step
from orchestrator.model.schedule import Schedule
from orchestrator.model.window import MINUTE
from orchestrator.model.words import counted

MOST_LANES = 40
"""Steps that get a lane each; more share lanes by pool."""

Zone = Callable[[str], tzinfo]


@dataclass(frozen=True)
class Bar:
    """A step as planned, and as it went.

    Parameters
    ----------
    step : Step
    number : int
        In the plan, from 1.
    start, end : float
        Minutes from the band's begin.
    reserve : float
        Minutes after `end` that stay free for the way back.
    status : StepStatus
    actual : (float, float) or None
        As the journal knows it; an unfinished step has no length.
    """

    step: Step
    number: int
    start: float
    end: float
    reserve: float = 0.0
    status: StepStatus = StepStatus.PENDING
    actual: tuple[float, float] | None = None


@dataclass(frozen=True)
class Lane:
    """A line of the chart."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Band:
    """A stretch of time without a gap.

    Parameters
    ----------
    title : str
    minutes : float
    begin : datetime or None
        UTC; None if only lengths are known.
    zone : tzinfo or None
        For the times on its axis.
    open : tuple of (float, float)
        The part of it that is a window.
    lanes : tuple of Lane
    """

    title: str
    minutes: float
    begin: datetime | None
    zone: tzinfo | None
    open: tuple[float, float]
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Chart:
    """Bands from top to bottom.

    Parameters
    ----------
    title : str
    bands : tuple of Band
    """

    title: str
    bands: tuple[Band, ...]


def plan_chart(plan: Plan, zone: Zone, run: RunView | None = None) -> Chart:
    """The windows of a plan with its steps; without windows the steps one after another.

    Parameters
    ----------
    zone : callable
        From an IANA name to the time zone.
    run : RunView or None
        What the journal knows: statuses, and bars as they went where they lie in a band.
    """
    run = run or RunView()
    if plan.schedule is None:
        return Chart("Steps one after another, as estimated", (_sequence(plan, run),))
    schedule = plan.schedule
    bands = []
    for number, window in enumerate(schedule.windows, 1):
        local = zone(schedule.calendar.zone)
        title = f"Window {number}: {_shown(window.start, local)} to {_shown(window.end, local)}"
        bars = _bars_in(plan, schedule, run, window.start, window.end)
        lanes = _lanes(bars)
        bands.append(Band(title, window.minutes, window.start, local, (0, window.minutes), lanes))
    return Chart("Windows and steps, as planned", tuple(bands))


def _bars_in(
    plan: Plan, schedule: Schedule, run: RunView, begin: datetime, end: datetime
) -> list[Bar]:
    steps = {step.id: (number, step) for number, step in enumerate(plan.steps, 1)}
    bars = []
    for timed in schedule.steps:
        if begin <= timed.start < end:
            number, step = steps[timed.step]
            bars.append(
                Bar(
                    step,
                    number,
                    _minutes(begin, timed.start),
                    _minutes(begin, timed.end),
                    timed.reserve_minutes,
                    run.status(step.id),
                    _actual(run, step.id, begin, end),
                )
            )
    return bars


def _sequence(plan: Plan, run: RunView) -> Band:
    at = 0.0
    bars = []
    for number, step in enumerate(plan.steps, 1):
        end = at + step.estimated_minutes
        actual = _actual(run, step.id, run.started, None) if run.started else None
        bars.append(Bar(step, number, at, end, 0.0, run.status(step.id), actual))
        at = end
    ends = [bar.actual[1] for bar in bars if bar.actual]
    length = max([at, 1.0, *ends])
    title = (
        f"{counted(len(plan.steps), 'step')}, {at:.0f} minutes one after another; no "
        f"window was given"
    )
    return Band(title, length, run.started, None, (0, length), _lanes(bars))


def _lanes(bars: list[Bar]) -> tuple[Lane, ...]:
    if len(bars) <= MOST_LANES:
        return tuple(Lane(f"{bar.number}  {bar.step.id}", (bar,)) for bar in bars)
    found: dict[str, list[Bar]] = {}
    for bar in bars:
        found.setdefault(str(bar.step.pool) if bar.step.servers else "checks", []).append(bar)
    return tuple(Lane(name, tuple(bars)) for name, bars in found.items())


def _actual(
    run: RunView, step: str, begin: datetime, end: datetime | None
) -> tuple[float, float] | None:
    known = run.steps.get(step)
    if known is None or known.started < begin or (end is not None and known.started >= end):
        return None
    return _minutes(begin, known.started), _minutes(begin, known.ended or known.started)


def _minutes(begin: datetime, moment: datetime) -> float:
    return (moment - begin) / MINUTE


def _shown(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %z")


def durations(plan: Plan, run: RunView) -> Mapping[str, float]:
    """Minutes every finished step took, by its id."""
    return {
        step.id: _minutes(known.started, known.ended)
        for step in plan.steps
        if (known := run.steps.get(step.id)) is not None and known.ended is not None
    }
