"""Reading a windows file: from text to calendars, with a place for every fault."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from orchestrator.errors import InvalidInput
from orchestrator.inventory.change_calendar import (
    CalendarSpan,
    UnusableCalendar,
    calendar_spans,
)
from orchestrator.inventory.faults import read_mapping
from orchestrator.inventory.findings import Findings, did_you_mean
from orchestrator.inventory.windows_document import LONGEST_DAYS, Blackout, Entry, Windows
from orchestrator.inventory.yaml_text import YamlText
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy, Timing
from orchestrator.model.window import Recurrence, Span, Window, readings, without
from orchestrator.shipped import zone, zone_names

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.diagnostic import Diagnostic, Place
    from orchestrator.inventory.yaml_text import Keys

_TIMES = {"start", "end", "duration"}
_FORMS = {
    "start": 'write a time of day like "22:00", or a single window like "2026-11-07 22:00"',
    "duration": "write it like 4h, 4h 30m or 90m",
    "from": "write it like 2026-11-07",
    "days": "use mon, tue, wed, thu, fri, sat, sun",
}
_FORMS |= {"end": _FORMS["start"]} | dict.fromkeys(
    ("until", "since", "first_day", "last_day"), _FORMS["from"]
)
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_TERMS = {
    "FREQ": re.compile("|".join(_FREQUENCIES)),
    "INTERVAL": re.compile(r"[1-9]\d{0,2}"),
    "BYDAY": re.compile(r"(?:[+-]?[1-5]?(?:MO|TU|WE|TH|FR|SA|SU),?)+(?<!,)"),
    "BYMONTHDAY": re.compile(r"(?:-?(?:[1-9]|[12]\d|3[01]),?)+(?<!,)"),
    "BYMONTH": re.compile(r"(?:(?:[1-9]|1[0-2]),?)+(?<!,)"),
    "BYSETPOS": re.compile(r"-?(?:[1-9]|[12]\d|3[01])"),
    "WKST": re.compile("MO|SU"),
}
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True)
class WindowsFile:
    """A windows file, read.

    Parameters
    ----------
    calendar : Calendar
        With every site asked for.
    policy : TimePolicy
    warnings : tuple of Diagnostic
    document : Windows
        As written.
    """

    calendar: Calendar
    policy: TimePolicy
    warnings: tuple[Diagnostic, ...]
    document: Windows

    @property
    def timing(self) -> Timing:
        """What the planner gives times by."""
        return Timing(self.calendar, self.policy)


def read_windows(
    path: Path, sites: Collection[str], *, replication_minutes: int = 0
) -> WindowsFile:
    """Read a windows file.

    Parameters
    ----------
    path : Path
    sites : collection of str
        Of the organisation.
    replication_minutes : int
        Of the organisation; goes into the policy.

    Raises
    ------
    InvalidInput
        With every fault, each with file and line.
    """
    findings = Findings()
    made = _read(path, sites, findings)
    if findings.errors or made is None:
        raise InvalidInput(findings.errors)
    calendar, document = made
    policy = time_policy(document, replication_minutes)
    return WindowsFile(calendar, policy, findings.warnings, document)


class Placed(Protocol):
    """A document that knows where its values stand."""

    def place(self, *keys: str | int) -> Place:
        """Where a value stands."""
        ...


def calendar_of(
    document: Windows,
    text: Placed,
    sites: Collection[str],
    findings: Findings,
    folder: Path | None = None,
) -> Calendar:
    """The calendar of a checked document, wherever it stands; faults go to the findings.

    Parameters
    ----------
    folder : Path or None
        Where its change calendars are; None: it can have none.
    """
    return _Builder(document, text, sites, findings, folder).calendar()


def read_change_calendar(
    path: Path, sites: Collection[str], first: date, *, replication_minutes: int = 0
) -> WindowsFile:
    """An iCalendar file every event of which is a window of every site, from a day on.

    Raises
    ------
    InvalidInput
        If it cannot be used.
    """
    findings = Findings()
    document = Windows.model_validate(
        {"version": 1, "zone": "UTC", "from": f"{first}", "windows": [{"ics": path.name}]}
    )
    text = YamlText(str(path), {}, {})
    calendar = calendar_of(document, text, sites, findings, path.parent)
    if findings.errors:
        raise InvalidInput(findings.errors)
    policy = time_policy(document, replication_minutes)
    return WindowsFile(calendar, policy, findings.warnings, document)


def time_policy(document: Windows, replication_minutes: int) -> TimePolicy:
    """What a document sets aside around the estimates."""
    return TimePolicy(
        max_parallel=document.policy.max_parallel,
        reserve_minutes=document.policy.reserve_minutes,
        verification_minutes=document.policy.verification_minutes,
        replication_minutes=replication_minutes,
    )


def _read(
    path: Path, sites: Collection[str], findings: Findings
) -> tuple[Calendar, Windows] | None:
    text = read_mapping(path, findings, "CAS-E601", "`version: 1` and `zone: Europe/Paris`")
    if text is None:
        return None
    try:
        document = Windows.model_validate(text.value)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _report(dict(fault), text, findings)
        return None
    return calendar_of(document, text, sites, findings, path.parent), document


def _report(fault: dict[str, Any], text: YamlText, findings: Findings) -> None:
    keys: Keys = tuple(key for key in fault["loc"] if key != "[key]")
    field = next((str(k) for k in reversed(keys) if isinstance(k, str)), "windows file")
    where, place, given = _subject(keys), text.place(*keys), fault["input"]
    number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if fault["type"] == "missing":
        findings.error("CAS-E601", where, f"has no {field}", place, f"add {field}")
    elif fault["type"] == "extra_forbidden":
        known = Windows.model_fields if len(keys) == 1 else Blackout.model_fields
        remedy = did_you_mean(field, [name.rstrip("_") for name in known])
        findings.error("CAS-E601", where, f"has an unknown field {field}", place, remedy)
    elif field in _TIMES and number:
        findings.error("CAS-E602", where, _sexagesimal(field, given), place, _FORMS[field])
    elif field in _FORMS:
        message = f"{field} {_quoted(given)} cannot be read"
        findings.error("CAS-E603", where, message, place, _FORMS[field])
    else:
        message = f"{field} {_quoted(given)}: {fault['msg'].lower().removeprefix('input ')}"
        findings.error("CAS-E601", where, message, place, "docs/windows.md describes every field")


def _sexagesimal(field: str, given: float) -> str:
    """YAML 1.1 reads 22:00 without quotes as 22 x 60, and 22.00 as a fraction."""
    if isinstance(given, int):
        return (
            f"{field} is the number {given}: YAML makes that of {given // 60}:{given % 60:02} "
            "written without quotes"
        )
    return f"{field} is the number {given}, not a time"


def _subject(keys: Keys) -> str:
    match keys:
        case ("windows" | "blackouts" as kind, int() as index, *_):
            return f"{kind.removesuffix('s')} {index + 1}"
        case (str() as name, *_):
            return name
    return "windows file"


def _quoted(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else f'"{value}"'


class _Builder:
    """From a checked document to calendars; faults of meaning are found here."""

    def __init__(
        self,
        document: Windows,
        text: Placed,
        sites: Collection[str],
        findings: Findings,
        folder: Path | None,
    ) -> None:
        self._document = document
        self._folder = folder
        self._text = text
        self._sites = sorted(sites)
        self._findings = findings
        self._broken = False

    def calendar(self) -> Calendar:
        """The windows of every site; empty ones after a fault."""
        default = self._document.zone
        self._known_zone(default, "zone")
        for site, name in self._document.site_zones.items():
            self._known_site(site, "site_zones", site)
            self._known_zone(name, "site_zones", site)
        first, last = self._horizon()
        groups: dict[tuple[str, tuple[Window, ...]], list[str]] = {}
        opened = self._entries("windows", self._document.windows, first, last)
        closed = self._entries("blackouts", self._document.blackouts, first, last)
        if not self._broken:
            for site in self._sites:
                own = self._document.site_zones.get(site, default)
                dark = [*closed.get(site, ()), *self._outside(own, first, last)]
                windows = without(opened.get(site, ()), dark)
                groups.setdefault((own, windows), []).append(site)
        return Calendar(
            default,
            tuple(
                SiteCalendar(tuple(names), own, windows)
                for (own, windows), names in sorted(groups.items(), key=lambda item: item[1])
            ),
        )

    def _horizon(self) -> tuple[date, date]:
        first = self._day(self._document.from_, "from")
        last = first + timedelta(days=365)
        if self._document.until is not None:
            last = self._day(self._document.until, "until")
            if last < first:
                self._error("CAS-E604", f"until {last} is before from {first}", "until")
            elif (last - first).days > LONGEST_DAYS:
                self._error("CAS-E603", f"until {last} is more than five years away", "until")
        return first, last

    def _outside(self, own: str, first: date, last: date) -> list[Window]:
        """Everything before the first and after the last day, as a black-out."""
        opens = readings(datetime.combine(first, time()), zone(own))[1]
        closes = readings(datetime.combine(last + timedelta(days=1), time()), zone(own))[0]
        return [
            Window(datetime(1970, 1, 1, tzinfo=UTC), opens),
            Window(closes, datetime(9999, 1, 1, tzinfo=UTC)),
        ]

    def _entries(
        self, kind: str, entries: Iterable[Entry], first: date, last: date
    ) -> Mapping[str, list[Window]]:
        result: dict[str, list[Window]] = {}
        for index, entry in enumerate(entries):
            keys: Keys = (kind, index)
            for site in entry.sites or ():
                self._known_site(site, *keys, "sites")
            if entry.zone is not None:
                self._known_zone(entry.zone, *keys, "zone")
            spans = (
                [CalendarSpan(span, None) for span in self._spans(entry, keys, first, last)]
                if entry.ics is None
                else self._events(entry, keys, first, last)
            )
            if self._broken:
                continue
            if not spans:
                place = self._text.place(*keys)
                message = f"never comes between {first} and {last}"
                self._findings.warn("CAS-W608", _subject(keys), message, place)
            for site in entry.sites or self._sites:
                name = entry.zone or self._document.site_zones.get(site, self._document.zone)
                for each in spans:
                    cut = each.span.blackout if kind == "blackouts" else each.span.window
                    window = cut(each.zone or zone(name))
                    if window is not None:
                        result.setdefault(site, []).append(window)
        return result

    def _events(self, entry: Entry, keys: Keys, first: date, last: date) -> list[CalendarSpan]:
        """The events of a change calendar."""
        others = {"name", "sites", "zone", "ics", "containing"}
        if extra := sorted(entry.model_fields_set - others):
            self._error("CAS-E601", f"has ics and {', '.join(extra)}", *keys, "ics")
        if self._folder is None:
            message = "a change calendar cannot be named here"
            self._error("CAS-E609", message, *keys, "ics", remedy="write its windows out")
        if self._broken or self._folder is None or entry.ics is None:
            return []
        try:
            return calendar_spans(self._folder / entry.ics, first, last, entry.containing)
        except UnusableCalendar as error:
            message = f"change calendar {entry.ics}: {error}"
            self._error("CAS-E609", message, *keys, "ics", remedy=error.remedy)
            return []

    def _spans(self, entry: Entry, keys: Keys, first: date, last: date) -> list[Span]:
        if isinstance(entry, Blackout) and (entry.first_day or entry.last_day):
            return self._whole_days(entry, keys)
        if entry.start is None:
            self._error("CAS-E601", "has no start", *keys)
            return []
        if (entry.end is None) == (entry.duration is None):
            self._error("CAS-E601", "needs either end or duration", *keys)
            return []
        minutes = self._minutes(entry.duration, keys)
        if entry.days is None and entry.rrule is None:
            return self._single(entry, minutes, keys)
        return self._recurring(entry, minutes, keys, first, last)

    def _whole_days(self, entry: Blackout, keys: Keys) -> list[Span]:
        if entry.start or entry.days or entry.rrule or not (entry.first_day and entry.last_day):
            self._error("CAS-E601", "needs both first_day and last_day, and no other time", *keys)
            return []
        opens = self._day(entry.first_day, *keys, "first_day")
        closes = self._day(entry.last_day, *keys, "last_day")
        if closes < opens:
            self._error("CAS-E604", f"last_day {closes} is before first_day {opens}", *keys)
        midnight = time()
        after = datetime.combine(closes + timedelta(days=1), midnight)
        return [Span(datetime.combine(opens, midnight), after)]

    def _single(self, entry: Entry, minutes: int | None, keys: Keys) -> list[Span]:
        start = self._moment(entry.start or "", *keys, "start")
        end = self._moment(entry.end, *keys, "end") if entry.end is not None else None
        if start is None:
            self._error(
                "CAS-E603",
                f'start "{entry.start}" has no day, and there are neither days nor rrule',
                *keys,
                "start",
            )
            return []
        if entry.end is not None and end is None:
            end = self._moment(f"{start:%Y-%m-%d} {entry.end}", *keys, "end")
        if end is not None and end <= start:
            self._error("CAS-E604", f"ends ({entry.end}) before it starts ({start})", *keys, "end")
        return [Span(start, end, minutes)]

    def _recurring(
        self, entry: Entry, minutes: int | None, keys: Keys, first: date, last: date
    ) -> list[Span]:
        if entry.days is not None and entry.rrule is not None:
            self._error("CAS-E601", "has both days and rrule", *keys)
        start = self._clock(entry.start, *keys, "start")
        end = self._clock(entry.end, *keys, "end")
        if start is not None and start == end:
            self._error("CAS-E604", f"ends when it starts, at {entry.end}", *keys, "end")
        terms = entry.rrule or "FREQ=WEEKLY;BYDAY=" + ",".join(
            day[:2].upper() for day in entry.days or ()
        )
        self._check_terms(terms, entry, keys)
        if self._broken or start is None:
            return []
        # a window that began before the first day may reach into it; what is earlier is cut off
        earlier = first - timedelta(days=1 + (minutes or 0) // (24 * 60))
        since = self._day(entry.since, *keys, "since") if entry.since else earlier
        try:
            return Recurrence(terms, since, start, end, minutes).spans(earlier, last)
        except ValueError as error:
            self._error("CAS-E607", f'rrule "{terms}": {error}', *keys, "rrule")
            return []

    def _check_terms(self, terms: str, entry: Entry, keys: Keys) -> None:
        given = dict(part.partition("=")[::2] for part in terms.upper().split(";"))
        bad = [
            f"{name}={value}"
            for name, value in given.items()
            if name not in _TERMS or not _TERMS[name].fullmatch(value)
        ]
        if bad or "FREQ" not in given:
            what = f"{', '.join(bad)} is not understood" if bad else "FREQ is missing"
            self._error("CAS-E607", f'rrule "{terms}": {what}', *keys, "rrule")
            return
        chosen = {"BYDAY", "BYMONTHDAY"} & given.keys() or given["FREQ"] == "DAILY"
        if entry.since is None and ("INTERVAL" in given or not chosen):
            message = "an rrule with INTERVAL or without days needs `since`: where it counts from"
            self._error("CAS-E607", message, *keys, "rrule")
        months = [int(n) for n in given.get("BYMONTH", "1").split(",")]
        days = [abs(int(n)) for n in given.get("BYMONTHDAY", "1").split(",")]
        if min(days) > max(_LONGEST_MONTH.get(month, 31) for month in months):
            self._error("CAS-E607", f'rrule "{terms}": there is no such day', *keys, "rrule")

    def _minutes(self, duration: str | None, keys: Keys) -> int | None:
        if duration is None:
            return None
        hours, _, rest = duration.partition("h" if "h" in duration else ":")
        if not rest and hours.endswith("m"):
            hours, rest = "0", hours
        minutes = int(hours) * 60 + int(rest.strip().rstrip("m") or 0)
        if not minutes:
            self._error("CAS-E604", "lasts no time at all", *keys, "duration")
        return minutes

    def _clock(self, value: str | None, *keys: str | int) -> time | None:
        if value is None:
            return None
        try:
            hour, minute = value.split(":")
            return time(int(hour), int(minute))
        except ValueError:
            message = f'{keys[-1]} "{value}" is not a time of day (00:00 to 23:59)'
            self._error("CAS-E603", message, *keys, remedy=_FORMS["start"])
            return None

    def _moment(self, value: str, *keys: str | int) -> datetime | None:
        """A day and time; None if there is only a time."""
        day, separator, clock = value.replace("T", " ").partition(" ")
        if not separator:
            return None
        found = self._clock(clock, *keys)
        return datetime.combine(self._day(day, *keys), found or time())

    def _day(self, value: str, *keys: str | int) -> date:
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = date.min
        if not 1971 <= found.year <= 2200:
            self._error("CAS-E603", f'{keys[-1]} "{value}" is not a day', *keys)
            return date(2000, 1, 1)
        return found

    def _known_site(self, site: str, *keys: str | int) -> None:
        if site not in self._sites:
            remedy = did_you_mean(site, self._sites)
            self._error("CAS-E606", f'unknown site "{site}"', *keys, remedy=remedy)

    def _known_zone(self, name: str, *keys: str | int) -> None:
        if name not in zone_names():
            remedy = did_you_mean(name, zone_names())
            self._error("CAS-E605", f'unknown time zone "{name}"', *keys, remedy=remedy)

    def _error(self, code: str, message: str, *keys: str | int, remedy: str = "") -> None:
        self._broken = True
        self._findings.error(code, _subject(keys), message, self._text.place(*keys), remedy)
