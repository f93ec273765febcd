"""Change calendars: the events of an iCalendar file (RFC 5545) as spans of local time.

Times of an event are read in the zone the file names, by the shipped zone files; times without a
zone and whole days are local to the site. Recurrence, exceptions and cancelled occurrences are
the library's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

from orchestrator.model.window import Span
from orchestrator.shipped import zone, zone_names

MOST_EVENTS = 10_000
_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class CalendarSpan:
    """One event.

    Parameters
    ----------
    span : Span
    zone : tzinfo or None
        In which its times are; None: local to whoever asks.
    """

    span: Span
    zone: tzinfo | None


class UnusableCalendar(ValueError):
    """The file cannot be used; says why, for a person.

    Parameters
    ----------
    remedy : str
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def calendar_spans(path: Path, first: date, last: date, containing: str = "") -> list[CalendarSpan]:
    """The events of a file between two days, both included, in order.

    Parameters
    ----------
    path : Path
    first, last : date
    containing : str
        Only events whose summary contains this, in any case; empty: all.

    Raises
    ------
    UnusableCalendar
        If the extra ``calendar`` is not installed, the file is none, or holds too much.
    """
    try:
        import icalendar
        import recurring_ical_events
    except ImportError:
        raise UnusableCalendar(
            "change calendars need two more packages",
            "pip install 'exchange-proxy-orchestrator[calendar]', or write the windows out",
        ) from None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UnusableCalendar(f"it is larger than {_MOST_BYTES // 1_000_000} MB")
        parsed = icalendar.Calendar.from_ical(path.read_bytes())
    except OSError as error:
        raise UnusableCalendar(f"it cannot be read: {error.strerror}") from None
    except (ValueError, IndexError, KeyError) as error:
        raise UnusableCalendar(f"it is no iCalendar file: {error}") from None
    after = datetime.combine(last + timedelta(days=1), time())
    try:
        # A day more at either side: the events' zones are not those of the days.
        found = recurring_ical_events.of(parsed).between(first - timedelta(days=1), after)
    except Exception as error:  # The library says ValueError, KeyError and its own.
        raise UnusableCalendar(f"an event of it cannot be understood: {error}") from None
    if len(found) > MOST_EVENTS:
        raise UnusableCalendar(f"it has more than {MOST_EVENTS} events between {first} and {last}")
    wanted = containing.casefold()
    spans = [
        _span(event)
        for event in found
        if str(event.get("STATUS", "")).upper() != "CANCELLED"
        and wanted in str(event.get("SUMMARY", "")).casefold()
    ]
    return sorted((s for s in spans if s is not None), key=lambda s: (s.span.start, str(s.zone)))


def _span(event: Any) -> CalendarSpan | None:
    """An occurrence; None if it lasts no time."""
    start, end = event.start, event.end
    if not isinstance(start, datetime):
        midnight = time()
        whole = Span(datetime.combine(start, midnight), datetime.combine(end, midnight))
        return CalendarSpan(whole, None) if end > start else None
    if start.tzinfo is None or end.tzinfo is None:
        begins, ends = start.replace(tzinfo=None), end.replace(tzinfo=None)
        return CalendarSpan(Span(begins, ends), None) if ends > begins else None
    if end <= start:
        return None
    place = _zone_of(start)
    if place is None or _zone_of(end) is not place:
        begins, ends = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (start, end))
        return CalendarSpan(Span(begins, ends), UTC)
    return CalendarSpan(Span(start.replace(tzinfo=None), end.replace(tzinfo=None)), place)


def _zone_of(moment: datetime) -> tzinfo | None:
    name = str(getattr(moment.tzinfo, "key", ""))
    return zone(name) if name in zone_names() else None
