"""Maintenance windows: half-open intervals of real time, made from what a local calendar says.

A wall clock can show a time twice (when it is put back) or not at all (when it is put forward).
Such a time has two readings. A window is what lies inside it under either reading, a black-out
what lies inside it under any: whichever reading somebody meant, no work is done outside it.
Durations are elapsed time. What is left of a window may be nothing.

Nothing here reads a clock or a time-zone file: zones come in as `datetime.tzinfo`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dateutil.rrule import rrulestr

MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Window:
    """The half-open interval ``[start, end)`` in UTC.

    Parameters
    ----------
    start, end : datetime
        Aware, in UTC, whole minutes; `end` after `start`.

    Raises
    ------
    ValueError
        If it is not.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment.tzinfo is not UTC or moment.second or moment.microsecond:
                raise ValueError(f"{moment} is not a whole minute in UTC")
        if self.end <= self.start:
            raise ValueError(f"a window cannot end at {self.end} before it starts at {self.start}")

    @property
    def minutes(self) -> int:
        """Elapsed minutes from start to end."""
        return (self.end - self.start) // MINUTE

    def holds(self, start: datetime, end: datetime) -> bool:
        """Whether ``[start, end)`` lies inside."""
        return self.start <= start and end <= self.end


@dataclass(frozen=True)
class Span:
    """One stretch of local time.

    Parameters
    ----------
    start : datetime
        Local, naive.
    end : datetime or None
        Local, naive; None if `minutes` says how long.
    minutes : int or None
        Elapsed minutes from `start`; None if `end` says until when.
    """

    start: datetime
    end: datetime | None = None
    minutes: int | None = None

    def window(self, zone: tzinfo) -> Window | None:
        """What lies inside under either reading of its ends; None if nothing does."""
        early, late = readings(self.start, zone)
        return _window(late, min(self._ends(early, zone)))

    def blackout(self, zone: tzinfo) -> Window | None:
        """What lies inside under any reading of its ends; None if nothing does."""
        early, late = readings(self.start, zone)
        return _window(early, max(self._ends(late, zone)))

    def _ends(self, start: datetime, zone: tzinfo) -> tuple[datetime, ...]:
        if self.end is not None:
            return readings(self.end, zone)
        return (start + timedelta(minutes=self.minutes or 0),)


@dataclass(frozen=True)
class Recurrence:
    """Spans that come again by the terms of an RRULE (RFC 5545).

    Parameters
    ----------
    terms : str
        ``FREQ=MONTHLY;BYDAY=2SA``: days only, the time of day is `start`.
    since : date
        The day the terms count from (DTSTART); matters for INTERVAL.
    start : time
        Local.
    end : time or None
        Local; of the next day if not after `start`.
    minutes : int or None
        Elapsed minutes, where `end` is None.
    """

    terms: str
    since: date
    start: time
    end: time | None = None
    minutes: int | None = None

    def spans(self, first: date, last: date) -> list[Span]:
        """Those that start on the days from first to last, both included.

        Raises
        ------
        ValueError
            If the terms cannot be read.
        """
        rule = rrulestr(self.terms, dtstart=datetime.combine(self.since, self.start))
        midnight = datetime.combine(first, time())
        starts = rule.between(midnight, datetime.combine(last, time.max), inc=True)
        return [Span(start, self._end(start), self.minutes) for start in starts]

    def _end(self, start: datetime) -> datetime | None:
        if self.end is None:
            return None
        day = start.date() + timedelta(days=self.end <= self.start)
        return datetime.combine(day, self.end)


def readings(local: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The earliest and the latest moment a local time can mean, in UTC; mostly the same.

    For a time the clock skips these are the offsets before and after the change applied to it.
    """
    both = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(both), max(both)


def union(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same time as disjoint windows in order; those that touch are one."""
    result: list[Window] = []
    for window in sorted(windows):
        if result and window.start <= result[-1].end:
            last = result.pop()
            window = Window(last.start, max(last.end, window.end))
        result.append(window)
    return tuple(result)


def without(windows: Iterable[Window], blackouts: Iterable[Window]) -> tuple[Window, ...]:
    """What black-outs leave of windows: a black-out inside a window cuts it in two."""
    dark = union(blackouts)
    result: list[Window] = []
    position = 0
    for window in union(windows):
        while position < len(dark) and dark[position].end <= window.start:
            position += 1
        start = window.start
        for black in dark[position:]:
            if black.start >= window.end:
                break
            if black.start > start:
                result.append(Window(start, black.start))
            start = max(start, black.end)
        if start < window.end:
            result.append(Window(start, window.end))
    return tuple(result)


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970-01-01 UTC."""
    return (moment - _EPOCH) // MINUTE


def moment_of(minute: int) -> datetime:
    """The inverse of `minute_of`."""
    return _EPOCH + minute * MINUTE


def _window(start: datetime, end: datetime) -> Window | None:
    up = start + (-(start - _EPOCH) % MINUTE)
    down = end - (end - _EPOCH) % MINUTE
    return Window(up, down) if up < down else None
