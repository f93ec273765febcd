"""Windows, stages and steps with the times people read on the wall."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Schedule, TimedStep
from orchestrator.model.window import Window
from orchestrator.model.words import counted
from orchestrator.report.console import NARROW

Zone = Callable[[str], tzinfo]


def print_timetable(console: Console, plan: Plan, zone: Zone) -> None:
    """The schedule of a plan; nothing if it has none.

    Parameters
    ----------
    zone : callable
        From an IANA name to the time zone.
    """
    if plan.schedule is None:
        return
    console.print()
    for number, window in enumerate(plan.schedule.windows, 1):
        if console.width < NARROW:
            for text in _lines(plan, plan.schedule, window, number, zone):
                console.print(text, soft_wrap=True)
        else:
            console.print(_window(plan, plan.schedule, window, number, zone))
    for line in summary(plan.schedule, zone):
        console.print(Text(line), soft_wrap=True)


def summary(schedule: Schedule, zone: Zone) -> list[str]:
    """How long it takes, how far that is from the best possible, and what stays redirected."""
    local = zone(schedule.calendar.zone)
    count = len(schedule.windows)
    lines = [
        (
            f"{count} {'window' if count == 1 else 'windows'}, {_hours(schedule.minutes)} from the "
            f"first one's start ({show(schedule.begin, local)}) to the end "
            f"({show(schedule.end, local)}), at most "
            f"{counted(schedule.policy.max_parallel, 'step')} at once."
        ),
        (
            f"No schedule of these steps ends before {show(schedule.bound.end, local)} "
            f"({schedule.bound.because}): at most {schedule.gap:.1%} above the shortest."
        ),
    ]
    if schedule.user_minutes:
        least = schedule.bound.user_minutes
        above = f"at most {schedule.user_minutes / least - 1:.1%} above the least" if least else ""
        lines.append(
            f"Redirection: {schedule.user_minutes / 60:,.1f} user-hours, no schedule of these "
            f"steps has fewer than {least / 60:,.1f}; {above}."
        )
    return lines


def _window(plan: Plan, schedule: Schedule, window: Window, number: int, zone: Zone) -> Table:
    local = zone(schedule.calendar.zone)
    table = Table(
        title=f"Window {number}: {show(window.start, local)} to {show(window.end, local)}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("stage", justify="right")
    table.add_column("start", no_wrap=True)
    table.add_column("end", no_wrap=True)
    table.add_column("reserve", justify="right")
    table.add_column("step", overflow="fold")
    table.add_column("time of", overflow="fold")
    stages = {step.id: n for n, stage in enumerate(plan.stages, 1) for step in stage}
    steps = {step.id: step for step in plan.steps}
    for timed in schedule.steps:
        if not window.start <= timed.start < window.end:
            continue
        name = schedule.calendar.of(steps[timed.step]).zone
        table.add_row(
            str(stages[timed.step]),
            show(timed.start, zone(name)),
            _until(timed, zone(name)),
            f"{timed.reserve_minutes} min",
            Text(timed.step),
            Text(name),
        )
    return table


def _lines(plan: Plan, schedule: Schedule, window: Window, number: int, zone: Zone) -> list[Text]:
    """The same as text, for a narrow terminal."""
    local = zone(schedule.calendar.zone)
    ends = f"{show(window.start, local)} to {show(window.end, local)}"
    lines = [Text(f"Window {number}: {ends}", style="bold")]
    stages = {step.id: n for n, stage in enumerate(plan.stages, 1) for step in stage}
    steps = {step.id: step for step in plan.steps}
    for timed in schedule.steps:
        if not window.start <= timed.start < window.end:
            continue
        name = schedule.calendar.of(steps[timed.step]).zone
        start, end = show(timed.start, zone(name)), _until(timed, zone(name))
        lines.append(Text(f"  {start} to {end}  {timed.step}"))
        stage = stages[timed.step]
        lines.append(Text(f"      stage {stage}, reserve {timed.reserve_minutes} min, {name}"))
    return lines


def show(moment: datetime, zone: tzinfo) -> str:
    """Local time with its distance from UTC: the same wall time may come twice."""
    return moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %z")


def _until(timed: TimedStep, zone: tzinfo) -> str:
    """The time of day at which a step ends, with what makes it plain where clocks change in it."""
    start, end = timed.start.astimezone(zone), timed.end.astimezone(zone)
    return end.strftime("%H:%M" if start.utcoffset() == end.utcoffset() else "%H:%M %z")


def _hours(minutes: int) -> str:
    days, rest = divmod(minutes, 24 * 60)
    return f"{days} d {rest // 60} h {rest % 60} min" if days else f"{rest // 60} h {rest % 60} min"
