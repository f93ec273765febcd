"""Windows files: what they turn into, and every fault with its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.errors import InvalidInput
from orchestrator.inventory import schema
from orchestrator.inventory.windows import WindowsFile, read_windows
from orchestrator.model.schedule import TimePolicy
from orchestrator.shipped import zone, zone_names

SITES = ["berlin", "lisbon", "paris"]
GOOD = """\
version: 1
zone: Europe/Paris
site_zones: {lisbon: Europe/Lisbon}
from: 2026-03-16
until: 2026-03-31
windows:
  - days: [sat]
    start: "22:00"
    duration: 4h
  - sites: [berlin]
    start: 2026-03-18 20:00
    end: 2026-03-18 23:30
"""


def read(tmp_path: Path, text: str) -> WindowsFile:
    (tmp_path / "w.yml").write_text(text, encoding="utf-8")
    return read_windows(tmp_path / "w.yml", SITES, replication_minutes=45)


def shown(file: WindowsFile, site: str) -> list[str]:
    """Windows as local start and minutes."""
    (group,) = [g for g in file.calendar.groups if site in g.sites]
    return [
        f"{w.start.astimezone(zone(group.zone)):%m-%d %H:%M} {w.minutes}" for w in group.windows
    ]


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, text)
    return [str(d).replace(f"{tmp_path}/", "") for d in refused.value.diagnostics]


def test_windows_are_read_in_each_site_s_own_time(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD)
    assert shown(file, "paris") == ["03-21 22:00 240", "03-28 22:00 240"]
    assert shown(file, "berlin") == ["03-18 20:00 210", "03-21 22:00 240", "03-28 22:00 240"]
    assert shown(file, "lisbon") == ["03-21 22:00 240", "03-28 22:00 240"]
    paris, lisbon = (
        next(group.windows for group in file.calendar.groups if name in group.sites)
        for name in ("paris", "lisbon")
    )
    assert lisbon[0].start - paris[0].start == timedelta(hours=1)
    assert file.policy == TimePolicy(5, None, 5, 45)
    assert file.warnings == ()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{days: [fri], start: 22:00, end: 02:00}", ["03-20 22:00 240", "03-27 22:00 240"]),
        ("{days: [sat], start: 22:00, end: 04:00}", ["03-21 22:00 360", "03-28 22:00 300"]),
        ("{days: [sat], start: '22:00', duration: 6h}", ["03-21 22:00 360", "03-28 22:00 360"]),
        ("{rrule: FREQ=MONTHLY;BYDAY=3SA, start: 22:00, duration: 1h 30m}", ["03-21 22:00 90"]),
        (
            "{rrule: FREQ=WEEKLY;INTERVAL=2;BYDAY=SA, since: 2026-01-03, start: 22:00, end: 23:00}",
            ["03-28 22:00 60"],
        ),
        ("{start: 2026-03-20T08:00, duration: 8:30}", ["03-20 08:00 510"]),
        ("{start: 2026-03-20 22:00, end: 23:00}", ["03-20 22:00 60"]),
        # began the night before the first day: what is left of it
        ("{rrule: FREQ=DAILY, start: 20:00, end: 04:00, zone: UTC}", None),
    ],
)
def test_ways_to_write_a_window(tmp_path: Path, entry: str, expected: list[str] | None) -> None:
    head = "version: 1\nzone: Europe/Paris\nfrom: 2026-03-16\nuntil: 2026-03-31\nwindows:\n  - "
    found = shown(read(tmp_path, f"{head}{entry}\n"), "paris")
    if expected is None:
        assert found[:2] == ["03-16 00:00 300", "03-16 21:00 480"]
    else:
        assert found == expected


def test_whole_days_blacked_out_with_their_nights(tmp_path: Path) -> None:
    text = GOOD + "blackouts:\n  - {first_day: 2026-03-22, last_day: 2026-03-28}\n"
    assert shown(read(tmp_path, text), "paris") == ["03-21 22:00 120", "03-29 00:00 120"]


def test_a_black_out_of_one_site_cuts_its_window_in_two(tmp_path: Path) -> None:
    text = GOOD + "blackouts:\n  - {sites: [paris], days: [sat], start: 23:00, duration: 30m}\n"
    file = read(tmp_path, text)
    assert shown(file, "paris")[:2] == ["03-21 22:00 60", "03-21 23:30 150"]
    assert shown(file, "berlin")[1] == "03-21 22:00 240"


def test_a_black_out_up_to_a_missing_midnight_ends_when_the_next_day_begins(tmp_path: Path) -> None:
    text = (
        "version: 1\nzone: Africa/Cairo\nfrom: 2026-04-20\nuntil: 2026-04-30\nwindows:\n"
        "  - {days: [thu], start: 20:00, duration: 8h}\n"
        "blackouts:\n  - {first_day: 2026-04-23, last_day: 2026-04-23}\n"
    )
    # 2026-04-24 00:00 becomes 01:00 in Cairo
    assert shown(read(tmp_path, text), "paris") == ["04-24 01:00 240", "04-30 20:00 240"]


def test_without_until_a_year_is_looked_at(tmp_path: Path) -> None:
    text = GOOD.replace("until: 2026-03-31\n", "")
    (group,) = [g for g in read(tmp_path, text).calendar.groups if "paris" in g.sites]
    assert len(group.windows) == 52
    assert group.windows[-1].end < datetime(2027, 3, 17, tzinfo=UTC)


def test_sites_with_the_same_windows_are_one_calendar_in_any_order(tmp_path: Path) -> None:
    one = read(tmp_path, GOOD).calendar
    lines = GOOD.splitlines(keepends=True)
    swapped = "".join([*lines[:6], *lines[9:], *lines[6:9]])
    (tmp_path / "w.yml").write_text(swapped)
    assert read_windows(tmp_path / "w.yml", SITES[::-1]).calendar == one


FAULTS = [
    # the traps of YAML 1.1: what another program made of 22:00 without quotes
    (
        'start: "22:00"',
        "start: 1320",
        "CAS-E602 window 1: start is the number 1320: YAML makes that of 22:00 written without",
    ),
    (
        "duration: 4h",
        "duration: 240",
        "CAS-E602 window 1: duration is the number 240: YAML makes that of 4:00 written without",
    ),
    (
        'start: "22:00"',
        "start: 22.30",
        "CAS-E602 window 1: start is the number 22.3, not a time (w.yml:8)",
    ),
    ('"22:00"', '"24:00"', 'CAS-E603 window 1: start "24:00" is not a time of day'),
    ('"22:00"', '"ten"', 'CAS-E603 window 1: start "ten" cannot be read (w.yml:8)'),
    (
        "zone: Europe/Paris",
        "zone: Europe/Pari",
        'CAS-E605 zone: unknown time zone "Europe/Pari" (w.yml:2); did you mean Europe/Paris?',
    ),
    (
        "Europe/Lisbon}",
        "../../etc/passwd}",
        'CAS-E605 site_zones: unknown time zone "../../etc/passwd" (w.yml:3)',
    ),
    (
        "sites: [berlin]",
        "sites: [berln]",
        'CAS-E606 window 2: unknown site "berln" (w.yml:10); did you mean berlin?',
    ),
    ("{lisbon:", "{lisbn:", 'CAS-E606 site_zones: unknown site "lisbn" (w.yml:3)'),
    (
        "end: 2026-03-18 23:30",
        "end: 2026-03-18 19:30",
        "CAS-E604 window 2: ends (2026-03-18 19:30) before it starts (2026-03-18 20:00:00) (w.yml",
    ),
    ("end: 2026-03-18 23:30", "end: 19:30", "CAS-E604 window 2: ends (19:30) before it starts"),
    ("duration: 4h", "end: 22:00", "CAS-E604 window 1: ends when it starts, at 22:00 (w.yml:9)"),
    ("duration: 4h", "duration: 0m", "CAS-E604 window 1: lasts no time at all (w.yml:9)"),
    ("duration: 4h", "duration: soon", 'CAS-E603 window 1: duration "soon" cannot be read'),
    (
        "until: 2026-03-31",
        "until: 2026-03-01",
        "CAS-E604 until: until 2026-03-01 is before from 2026-03-16 (w.yml:5)",
    ),
    ("until: 2026-03-31", "until: 2099-01-01", "CAS-E603 until: until 2099-01-01 is more than"),
    ("from: 2026-03-16", "from: 2026-02-30", 'CAS-E603 from: from "2026-02-30" is not a day'),
    ("from: 2026-03-16\n", "", "CAS-E601 from: has no from (w.yml:1); add from"),
    ("from: 2026-03-16", "from: 16.3.2026", 'CAS-E603 from: from "16.3.2026" cannot be read'),
    ("version: 1", "version: 2", 'CAS-E601 version: version "2"'),
    (
        "duration: 4h",
        "durations: 4h",
        "CAS-E601 window 1: has an unknown field durations (w.yml:9)",
    ),
    ("    duration: 4h\n", "", "CAS-E601 window 1: needs either end or duration (w.yml:7)"),
    ('    start: "22:00"\n', "", "CAS-E601 window 1: has no start (w.yml:7)"),
    ("- days: [sat]\n    ", "- ", 'CAS-E603 window 1: start "22:00" has no day'),
    ("days: [sat]", "days: [samedi]", 'CAS-E603 window 1: days "samedi" cannot be read'),
    ("days: [sat]", "rrule: FREQ=HOURLY", 'CAS-E607 window 1: rrule "FREQ=HOURLY": FREQ=HOURLY is'),
    ("days: [sat]", "rrule: sometimes", "CAS-E607 window 1: rrule"),
    (
        "days: [sat]",
        "rrule: FREQ=WEEKLY;INTERVAL=2;BYDAY=SA",
        "CAS-E607 window 1: an rrule with INTERVAL or without days needs `since`",
    ),
    ("days: [sat]", "rrule: FREQ=WEEKLY;INTERVAL=0", "CAS-E607 window 1: rrule"),
    (
        "days: [sat]",
        "rrule: FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        'CAS-E607 window 1: rrule "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30": there is no such day',
    ),
    ("days: [sat]", "{days: [sat]", "CAS-E006 w.yml: YAML error"),
    ("zone: Europe/Paris", "zone: Europe/Paris\nzone: UTC", "CAS-E007 key zone: stands twice"),
]


@pytest.mark.parametrize(("old", "new", "expected"), FAULTS, ids=[row[2][:40] for row in FAULTS])
def test_fault_is_reported(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert any(fault.startswith(expected) for fault in found), found


def test_the_trap_is_explained_with_place_and_remedy(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, GOOD.replace('"22:00"', "1320"))
    assert fault.endswith(
        'quotes (w.yml:8); write a time of day like "22:00", or a single window like '
        '"2026-11-07 22:00"'
    )


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("[berlin]", "[oslo]").replace("Europe/Lisbon", "Mars/Base")
    assert [fault[:8] for fault in faults(tmp_path, text)] == ["CAS-E605", "CAS-E606"]


@pytest.mark.parametrize("text", ["", "- a\n", "version: 1\n", "\0", "a: *b\n", "[[[[" * 2000])
def test_rubbish_is_refused_with_its_file(tmp_path: Path, text: str) -> None:
    assert all("w.yml" in fault for fault in faults(tmp_path, text))


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_windows(tmp_path / "none.yml", SITES)


def test_22_00_without_quotes_is_a_time_here(tmp_path: Path) -> None:
    quoted = read(tmp_path, GOOD)
    assert read(tmp_path, GOOD.replace('"22:00"', "22:00")).calendar == quoted.calendar


def test_an_entry_that_never_comes_is_a_warning(tmp_path: Path) -> None:
    entry = "  - {rrule: FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=1, start: 22:00, duration: 1h}\n"
    (warning,) = read(tmp_path, GOOD + entry).warnings
    assert "CAS-W608 window 3: never comes between 2026-03-16 and 2026-03-31" in str(warning)


def test_zones_come_from_the_package_not_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONTZPATH", "/nowhere")
    assert {"Europe/Paris", "UTC", "Pacific/Apia"} <= zone_names()
    assert all(zone(name).key == name for name in zone_names())


def test_the_shipped_schema_is_the_model_s() -> None:
    renew = "run python -m orchestrator.inventory.schema"
    assert schema.SHIPPED_WINDOWS.read_text(encoding="utf-8") == schema.windows_text(), renew
    assert json.loads(schema.windows_text())["properties"]["from"]
