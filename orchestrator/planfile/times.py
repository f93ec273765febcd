"""Between a schedule as values and its part of plan.json."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.model.schedule import (
    Bound,
    Calendar,
    Schedule,
    SiteCalendar,
    TimedStep,
    TimePolicy,
)
from orchestrator.model.window import Window
from orchestrator.planfile.document import CalendarDoc, ScheduleDoc, TimedStepDoc

_FORM = "%Y-%m-%dT%H:%MZ"


def schedule_document(schedule: Schedule) -> ScheduleDoc:
    """The document of a schedule."""
    return ScheduleDoc(
        zone=schedule.calendar.zone,
        max_parallel=schedule.policy.max_parallel,
        reserve_minutes=schedule.policy.reserve_minutes,
        verification_minutes=schedule.policy.verification_minutes,
        begin=_text(schedule.begin),
        bound_end=_text(schedule.bound.end),
        bound_because=schedule.bound.because,
        user_minutes=schedule.user_minutes,
        user_minutes_bound=schedule.bound.user_minutes,
        calendars=[
            CalendarDoc(
                sites=list(group.sites),
                zone=group.zone,
                windows=[_ends(window) for window in group.windows],
            )
            for group in schedule.calendar.groups
        ],
        steps=[
            TimedStepDoc(
                id=timed.step,
                start=_text(timed.start),
                end=_text(timed.end),
                reserve_minutes=timed.reserve_minutes,
                window=_ends(timed.window),
            )
            for timed in schedule.steps
        ],
    )


def read_schedule(doc: ScheduleDoc, replication_minutes: int) -> Schedule:
    """The schedule of a document.

    Raises
    ------
    ValueError
        If a time or a window is none.
    """
    groups = tuple(
        SiteCalendar(tuple(g.sites), g.zone, tuple(_window(w) for w in g.windows))
        for g in doc.calendars
    )
    policy = TimePolicy(
        doc.max_parallel, doc.reserve_minutes, doc.verification_minutes, replication_minutes
    )
    return Schedule(
        calendar=Calendar(doc.zone, groups),
        policy=policy,
        begin=_moment(doc.begin),
        steps=tuple(
            TimedStep(s.id, _moment(s.start), _moment(s.end), s.reserve_minutes, _window(s.window))
            for s in doc.steps
        ),
        bound=Bound(_moment(doc.bound_end), doc.bound_because, doc.user_minutes_bound),
        user_minutes=doc.user_minutes,
    )


def _text(moment: datetime) -> str:
    return moment.strftime(_FORM)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)


def _ends(window: Window) -> tuple[str, str]:
    return _text(window.start), _text(window.end)


def _window(ends: tuple[str, str]) -> Window:
    return Window(_moment(ends[0]), _moment(ends[1]))
