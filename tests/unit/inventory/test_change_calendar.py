"""Change calendars (.ics): events as windows, with the traps of zones, days and cancellations."""

from __future__ import annotations

import builtins
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import InvalidInput
from orchestrator.inventory.windows import WindowsFile, read_change_calendar, read_windows

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//contoso//changes//EN\r\n"
TAIL = "END:VCALENDAR\r\n"
SITES = ("lisbon", "paris")


def event(uid: str, *lines: str) -> str:
    body = "".join(f"{line}\r\n" for line in ("DTSTAMP:20260101T000000Z", *lines))
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\n{body}END:VEVENT\r\n"


def read(folder: Path, *events: str, entry: str = "ics: c.ics", more: str = "") -> WindowsFile:
    (folder / "c.ics").write_bytes((HEAD + "".join(events) + TAIL).encode())
    text = (
        "version: 1\nzone: Europe/Paris\nsite_zones: {lisbon: Europe/Lisbon}\n"
        f"from: 2026-10-19\nuntil: 2026-11-15\nwindows:\n  - {{{entry}}}\n{more}"
    )
    (folder / "w.yml").write_text(text)
    return read_windows(folder / "w.yml", SITES)


def shown(file: WindowsFile, site: str = "paris") -> list[str]:
    (group,) = [g for g in file.calendar.groups if site in g.sites]
    return [f"{w.start:%m-%d %H:%M} {w.minutes}" for w in group.windows]


WEEKLY = event(
    "weekly",
    "SUMMARY:CHG Exchange",
    "DTSTART;TZID=Europe/Paris:20261017T220000",
    "DTEND;TZID=Europe/Paris:20261018T040000",
    "RRULE:FREQ=WEEKLY;BYDAY=SA",
    "EXDATE;TZID=Europe/Paris:20261107T220000",
)


def test_an_event_comes_again_except_when_it_does_not(tmp_path: Path) -> None:
    # On 25 October the clock is put back: seven hours. The 7th of November is left out.
    expected = ["10-24 20:00 420", "10-31 21:00 360", "11-14 21:00 360"]
    file = read(tmp_path, WEEKLY)
    assert shown(file) == expected
    # The file names its zone: the same moments everywhere.
    assert shown(file, "lisbon") == expected


def test_one_occurrence_moved_and_one_cancelled(tmp_path: Path) -> None:
    moved = event(
        "weekly",
        "SUMMARY:CHG Exchange, later",
        "RECURRENCE-ID;TZID=Europe/Paris:20261031T220000",
        "DTSTART;TZID=Europe/Paris:20261101T010000",
        "DTEND;TZID=Europe/Paris:20261101T030000",
    )
    cancelled = event(
        "weekly",
        "SUMMARY:CHG Exchange",
        "STATUS:CANCELLED",
        "RECURRENCE-ID;TZID=Europe/Paris:20261114T220000",
        "DTSTART;TZID=Europe/Paris:20261114T220000",
        "DTEND;TZID=Europe/Paris:20261115T040000",
    )
    assert shown(read(tmp_path, WEEKLY, moved, cancelled)) == ["10-24 20:00 420", "11-01 00:00 120"]


def test_times_without_a_zone_and_whole_days_are_local_to_the_site(tmp_path: Path) -> None:
    floating = event("f", "DTSTART:20261020T220000", "DURATION:PT2H")
    days = event("d", "DTSTART;VALUE=DATE:20261103", "DTEND;VALUE=DATE:20261104")
    file = read(tmp_path, floating, days)
    assert shown(file, "paris") == ["10-20 20:00 120", "11-02 23:00 1440"]
    assert shown(file, "lisbon") == ["10-20 21:00 120", "11-03 00:00 1440"]


def test_utc_times_and_only_what_is_asked_for(tmp_path: Path) -> None:
    ours = event(
        "a", "SUMMARY:CHG0042 exchange rollups", "DTSTART:20261020T220000Z", "DURATION:PT1H"
    )
    other = event("b", "SUMMARY:Birthday", "DTSTART:20261021T220000Z", "DURATION:PT1H")
    nothing = event("c", "SUMMARY:Exchange reminder", "DTSTART:20261022T220000Z")
    file = read(tmp_path, ours, other, nothing, entry="ics: c.ics, containing: Exchange")
    assert shown(file) == ["10-20 22:00 60"]


def test_a_change_freeze_is_a_black_out(tmp_path: Path) -> None:
    freeze = event("f", "DTSTART;VALUE=DATE:20261020", "DTEND;VALUE=DATE:20261030")
    more = "blackouts:\n  - {ics: c.ics, sites: [paris]}\n"
    entry = 'days: [sat], start: "22:00", duration: 2h'
    file = read(tmp_path, freeze, entry=entry, more=more)
    assert shown(file, "paris")[0] == "10-31 21:00 120"
    assert shown(file, "lisbon")[0] == "10-24 21:00 120"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello\r\n", "is no iCalendar file"),
        (HEAD + "BEGIN:VEVENT\r\n", "is no iCalendar file"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    read(tmp_path, WEEKLY)
    if text is None:
        (tmp_path / "c.ics").unlink()
    else:
        (tmp_path / "c.ics").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_windows(tmp_path / "w.yml", SITES)
    (found,) = caught.value.diagnostics
    assert found.code == "CAS-E609"
    assert said in str(found)
    assert "(" in str(found)


def test_an_entry_is_either_a_calendar_or_a_rule(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has ics and days, start"):
        read(tmp_path, WEEKLY, entry='ics: c.ics, days: [sat], start: "22:00"')


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "icalendar":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        InvalidInput, match=r"pip install 'exchange-proxy-orchestrator\[calendar\]'"
    ):
        read(tmp_path, WEEKLY)


def test_a_calendar_by_itself_counts_from_a_given_day(tmp_path: Path) -> None:
    read(tmp_path, WEEKLY)
    file = read_change_calendar(tmp_path / "c.ics", SITES, date(2026, 11, 1))
    # What is left of the night before, and then as it comes.
    assert shown(file)[:2] == ["11-01 00:00 180", "11-14 21:00 360"]
    assert len(shown(file)) == 52  # a year of Saturdays and that rest, without the one left out
