"""When events were, out of dates whose order of day and month nobody wrote down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

_WRITTEN = re.compile(
    r"(\d{1,4})([./-])\s?(\d{1,2})\2\s?(\d{2,4})\.?,?[ T]+(\d{1,2}):(\d\d)(?::(\d\d))?(?:[.,]\d+)?"
    r"\s*([AaPp])?\.?[Mm]?\.?"
)
_JSON = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


@dataclass(frozen=True)
class Reading:
    """Both ways to read a date; equal where there is only one."""

    day_first: datetime | None
    month_first: datetime | None
    has_zone: bool = True


def read_moment(text: str, zone: tzinfo = UTC) -> Reading | None:
    """A date and time in one of the forms exports use, or None.

    Parameters
    ----------
    zone : tzinfo
        Of the server that wrote it, for texts that name none.

    Examples
    --------
    >>> str(read_moment("2/20/2012 8:15:02 AM").month_first)
    '2012-02-20 08:15:02+00:00'
    """
    text = text.strip()
    ticks = _JSON.fullmatch(text)
    try:
        if ticks:
            moment = datetime.fromtimestamp(int(ticks[1]) / 1000, tz=UTC)
            return Reading(moment, moment)
        if text[:4].isdigit() and "-" in text[4:5]:
            return _iso(text, zone)
    except (ValueError, OverflowError, OSError):
        return None
    written = _WRITTEN.fullmatch(text)
    return _local(written, zone) if written else None


def _iso(text: str, zone: tzinfo) -> Reading:
    moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    aware = moment.tzinfo is not None
    moment = moment.astimezone(UTC) if aware else moment.replace(tzinfo=zone).astimezone(UTC)
    return Reading(moment, moment, has_zone=aware)


def _local(written: re.Match[str], zone: tzinfo) -> Reading | None:
    first, mark, second, third = written[1], written[2], written[3], written[4]
    hour = int(written[5])
    if written[8]:
        hour = hour % 12 + (12 if written[8].lower() == "p" else 0)
    clock = (hour, int(written[6]), int(written[7] or 0))

    def at(year: str, month: str, day: str) -> datetime | None:
        full = int(year) + (2000 if len(year) == 2 else 0)
        try:
            return datetime(full, int(month), int(day), *clock, tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    if len(first) == 4:
        moment = at(first, second, third)
        return Reading(moment, moment, has_zone=False) if moment else None
    by_day = at(third, second, first)
    by_month = None if mark == "." else at(third, first, second)
    if by_day is None and by_month is None:
        return None
    return Reading(by_day, by_month, has_zone=False)


class Order:
    """Finds out from all dates of a file whether day or month comes first."""

    def __init__(self) -> None:
        self._days = self._months = self._open = False

    def note(self, reading: Reading) -> None:
        """Learn from a date."""
        if reading.day_first is None:
            self._months = True
        elif reading.month_first is None:
            self._days = True
        elif reading.day_first != reading.month_first:
            self._open = True

    @property
    def month_first(self) -> bool | None:
        """None where the file does not tell, and it matters."""
        if self._days and self._months:
            return None
        if self._open and not (self._days or self._months):
            return None
        return self._months
