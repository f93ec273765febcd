"""Proxied log-ons by hour of the week in a site's own time: when a window costs least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK = 7 * 24


@dataclass(frozen=True)
class Window:
    """Some hours of the week.

    Parameters
    ----------
    day : str
        ``Mon`` to ``Sun``, of the first hour.
    hour : int
        The first hour, local time.
    hours : int
        How many.
    log_ons : float
        Mean number in it, per week.
    """

    day: str
    hour: int
    hours: int
    log_ons: float

    def __str__(self) -> str:
        end = (self.hour + self.hours) % 24
        return f"{self.day} {self.hour:02d}:00-{end:02d}:00"


@dataclass(frozen=True)
class HourProfile:
    """Mean proxied log-ons of each hour of a week.

    Parameters
    ----------
    means : tuple of float
        168 of them, from Monday 00:00 local time.
    seen : tuple of int
        On how many such hours of the logs each mean rests; 0: none, so the mean says nothing.
    """

    means: tuple[float, ...]
    seen: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether the logs cover every hour of a week at least once."""
        return all(self.seen)

    def quietest(self, hours: int) -> Window | None:
        """The stretch with the fewest log-ons of those the logs cover; the first of equals."""
        return self._best(hours, sign=1)

    def busiest(self, hours: int = 1) -> Window | None:
        """The stretch with the most log-ons."""
        return self._best(hours, sign=-1)

    def _best(self, hours: int, sign: int) -> Window | None:
        found = []
        for start in range(WEEK):
            slots = [(start + step) % WEEK for step in range(hours)]
            if all(self.seen[slot] for slot in slots):
                found.append((sign * sum(self.means[slot] for slot in slots), start))
        if not found:
            return None
        count, start = min(found)
        return Window(DAYS[start // 24], start % 24, hours, sign * count)


def profile(paths: Iterable[Mapping[int, int]], zone: tzinfo) -> HourProfile:
    """The profile of some paths together.

    Every hour between the first and the last log-on counts as seen, so nights without log-ons
    lower the mean; a log that was switched off in between looks like a quiet night.

    Parameters
    ----------
    paths : iterable of mapping of int to int
        `PathEvidence.hours` of each: hours since 1970-01-01T00Z to log-ons.
    zone : tzinfo
        Of the site. Where its offset is no whole hour, hours are those they begin in.
    """
    total: dict[int, int] = {}
    for hours in paths:
        for hour, count in hours.items():
            total[hour] = total.get(hour, 0) + count
    sums, seen = [0] * WEEK, [0] * WEEK
    for hour in range(min(total), max(total) + 1) if total else ():
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)).astimezone(zone)
        slot = local.weekday() * 24 + local.hour
        seen[slot] += 1
        sums[slot] += total.get(hour, 0)
    means = tuple(s / n if n else 0.0 for s, n in zip(sums, seen, strict=True))
    return HourProfile(means, tuple(seen))
