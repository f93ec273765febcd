"""Local times made instants: nights on which the clock is put forward or back, and set algebra."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from orchestrator.model.window import (
    Recurrence,
    Span,
    Window,
    minute_of,
    moment_of,
    readings,
    union,
    without,
)
from orchestrator.shipped import zone


def utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - local on purpose


def window(start: str, end: str) -> Window:
    return Window(utc(start), utc(end))


# what the clocks of a zone did: (zone, span, as a window, as a black-out)
NIGHTS = [
    # Paris 2026-03-29: 02:00 becomes 03:00. Through the gap: an hour less elapsed.
    ("Europe/Paris", "2026-03-28 22:00", "2026-03-29 04:00", 5 * 60, 5 * 60),
    # begins in the gap: 02:30 is 00:30 or 01:30 UTC; 04:00 is 02:00 UTC
    ("Europe/Paris", "2026-03-29 02:30", "2026-03-29 04:00", 30, 90),
    # ends in the gap
    ("Europe/Paris", "2026-03-29 01:00", "2026-03-29 02:30", 30, 90),
    # lies in the gap: under no reading both ends agree on any time
    ("Europe/Paris", "2026-03-29 02:10", "2026-03-29 02:50", None, 100),
    # Paris 2026-10-25: 03:00 becomes 02:00. Across the fold: an hour more elapsed.
    ("Europe/Paris", "2026-10-24 22:00", "2026-10-25 04:00", 7 * 60, 7 * 60),
    # begins in the fold: the second 02:30, as a black-out the first
    ("Europe/Paris", "2026-10-25 02:30", "2026-10-25 04:00", 90, 150),
    # ends in the fold: the first 02:30, as a black-out the second
    ("Europe/Paris", "2026-10-25 01:00", "2026-10-25 02:30", 90, 150),
    # lies in the fold
    ("Europe/Paris", "2026-10-25 02:10", "2026-10-25 02:50", None, 100),
    # half an hour only: Lord Howe 2026-10-04, 02:00 becomes 02:30
    ("Australia/Lord_Howe", "2026-10-04 01:00", "2026-10-04 03:00", 90, 90),
    ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-04 03:00", 15, 45),
    # midnight does not exist: Sao Paulo 2018-11-04, 00:00 becomes 01:00
    ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04 04:00", 3 * 60, 4 * 60),
    ("America/Sao_Paulo", "2018-11-03 20:00", "2018-11-04 00:00", 3 * 60, 4 * 60),
    # a whole day does not exist: Samoa 2011-12-30
    ("Pacific/Apia", "2011-12-30 08:00", "2011-12-30 12:00", None, 28 * 60),
]


@pytest.mark.parametrize(("name", "start", "end", "inside", "dark"), NIGHTS)
def test_a_window_is_what_lies_inside_under_either_reading(
    name: str, start: str, end: str, inside: int | None, dark: int
) -> None:
    span = Span(local(start), local(end))
    found = span.window(zone(name))
    assert (found.minutes if found else None) == inside
    black = span.blackout(zone(name))
    assert black is not None
    assert black.minutes == dark
    assert found is None or black.holds(found.start, found.end)


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-03-28 22:00", 240, ("2026-03-28 21:00", "2026-03-29 01:00")),  # elapsed, not 02:00
        ("2026-10-24 22:00", 360, ("2026-10-24 20:00", "2026-10-25 02:00")),  # 03:00 on the wall
        ("2026-03-29 02:30", 240, ("2026-03-29 01:30", "2026-03-29 04:30")),
        ("2026-10-25 02:30", 240, ("2026-10-25 01:30", "2026-10-25 04:30")),
        ("2026-10-25 02:30", 60, None),
        ("2026-03-29 02:30", 60, None),
    ],
)
def test_durations_are_elapsed_and_end_by_the_earlier_reading(
    start: str, minutes: int, expected: tuple[str, str] | None
) -> None:
    found = Span(local(start), minutes=minutes).window(zone("Europe/Paris"))
    assert found == (window(*expected) if expected else None)


def test_readings_differ_only_where_the_clock_is_put() -> None:
    paris = zone("Europe/Paris")
    assert readings(local("2026-07-01 12:00"), paris) == (utc("2026-07-01 10:00"),) * 2
    assert readings(local("2026-10-25 02:30"), paris) == (
        utc("2026-10-25 00:30"),
        utc("2026-10-25 01:30"),
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (datetime(2026, 1, 1, 13, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)),
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 13, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1))),
            datetime(2026, 1, 1, 13, tzinfo=UTC),
        ),
    ],
)
def test_what_is_no_window_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match=r"window|minute"):
        Window(start, end)


@pytest.mark.parametrize(
    ("terms", "since", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=SA", "2026-01-01", ["2026-03-07", "2026-03-14", "2026-03-21"]),
        ("FREQ=MONTHLY;BYDAY=2SA", "2026-01-01", ["2026-03-14"]),
        ("FREQ=MONTHLY;BYDAY=-1SU", "2026-01-01", []),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "2026-02-28", ["2026-03-14"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "2026-03-07", ["2026-03-07", "2026-03-21"]),
    ],
)
def test_rules_come_by_the_terms_of_rfc_5545(terms: str, since: str, expected: list[str]) -> None:
    rule = Recurrence(terms, date.fromisoformat(since), time(22), minutes=240)
    spans = rule.spans(date(2026, 3, 1), date(2026, 3, 21))
    assert [f"{span.start:%Y-%m-%d}" for span in spans] == expected
    assert {span.start.time() for span in spans} <= {time(22)}


def test_an_end_at_or_before_the_start_is_the_next_day_s() -> None:
    rule = Recurrence("FREQ=DAILY", date(2026, 3, 1), time(22), time(2))
    (span,) = rule.spans(date(2026, 3, 31), date(2026, 3, 31))
    assert (span.start, span.end) == (local("2026-03-31 22:00"), local("2026-04-01 02:00"))


def test_a_black_out_cuts_a_window_in_two() -> None:
    night = window("2026-03-07 20:00", "2026-03-08 04:00")
    cut = window("2026-03-07 22:00", "2026-03-07 23:00")
    assert without([night], [cut]) == (
        window("2026-03-07 20:00", "2026-03-07 22:00"),
        window("2026-03-07 23:00", "2026-03-08 04:00"),
    )


def test_a_black_out_that_only_touches_takes_nothing() -> None:
    night = window("2026-03-07 20:00", "2026-03-08 04:00")
    before = window("2026-03-07 19:00", "2026-03-07 20:00")
    after = window("2026-03-08 04:00", "2026-03-08 05:00")
    assert without([night], [before, after]) == (night,)
    assert without([night], [night]) == ()


def test_union_and_difference_agree_with_sets_of_minutes() -> None:
    draw = random.Random(7)

    def some() -> list[Window]:
        starts = [draw.randrange(60) for _ in range(draw.randrange(6))]
        return [Window(moment_of(s), moment_of(s + draw.randint(1, 15))) for s in starts]

    def minutes(windows: Iterable[Window]) -> set[int]:
        return {m for w in windows for m in range(minute_of(w.start), minute_of(w.end))}

    for _ in range(500):
        one, other = some(), some()
        assert minutes(union(one)) == minutes(one)
        assert minutes(without(one, other)) == minutes(one) - minutes(other)
        for result in (union(one), without(one, other)):
            assert list(result) == sorted(result)
            assert all(a.end < b.start for a, b in itertools.pairwise(result))
