"""From paths to evidence: event logs of any kind, told apart by their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, tzinfo
from pathlib import Path

from orchestrator.diagnostic import Diagnostic, Place, Severity
from orchestrator.discovery.blocks import Unreadable, pieces
from orchestrator.discovery.events import evtx_file, text_events, xml_events
from orchestrator.discovery.events.record import FIELDS, EventRecord, plain, record_of
from orchestrator.discovery.events.signatures import recognise
from orchestrator.discovery.events.tally import Tally
from orchestrator.discovery.evidence import Evidence, FileRead, host_name, together
from orchestrator.discovery.files import InputFile, find_files
from orchestrator.discovery.rows import clixml, csv_file, json_file
from orchestrator.discovery.rows.row import Damaged
from orchestrator.discovery.text import decoded, head, lines
from orchestrator.model.words import counted

ENDINGS = (".evtx", ".xml", ".clixml", ".csv", ".txt", ".json")
Progress = Callable[[int, int], object]
"""Called with bytes read and bytes in all."""
_MOST_REASONS = 5
_TRY = "export with: Get-WinEvent -FilterHashtable @{LogName='Application'} | Export-Clixml FILE"


def read_event_logs(
    paths: Sequence[Path],
    zone: tzinfo = UTC,
    on_progress: Progress = lambda _done, _total: None,
) -> Evidence:
    """What event logs show of proxying that does not work.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders of them.
    zone : tzinfo
        Of the servers, for exports whose times name none.
    on_progress : callable

    Raises
    ------
    InvalidInput
        If a path leads to no file at all.
    """
    files, warnings = find_files(paths, ENDINGS, "--events")
    total, before, found = sum(file.size for file in files), 0, []
    for file in files:

        def at(position: int, before: int = before) -> None:
            on_progress(before + position, total)

        found.append(_Reader(file, zone, at).evidence())
        before += file.size
        on_progress(before, total)
    return Evidence(findings=tuple(warnings)) + together(found)


class _Reader:
    """One file."""

    def __init__(self, file: InputFile, zone: tzinfo, on_position: Callable[[int], object]) -> None:
        self._path = file.path
        self._on_position = on_position
        server = host_name(file.folder) if file.folder else f"the server of {file.path.name}"
        self._tally = Tally(str(file.path), server, zone)
        self._size = file.size
        self._kind = ""
        self._records = 0
        self._bad: dict[str, list[int]] = {}
        self._findings: list[Diagnostic] = []

    def evidence(self) -> Evidence:
        """Read it; whatever is wrong with it is a warning, for other files may tell more."""
        try:
            self._read()
        except (Damaged, Unreadable) as error:
            line = error.line if isinstance(error, Damaged) else 0
            self._damaged(str(error), line)
        except evtx_file.LibraryMissing:
            remedy = "pip install 'exchange-proxy-orchestrator[logs]'"
            self._warn("CAS-W812", "the evtx library is not installed; nothing was used", 0, remedy)
            self._kind = ""
        except OSError as error:
            self._warn("CAS-W812", f"cannot be read: {error.strerror}; nothing was used")
        self._summary()
        tally = self._tally
        skipped = sum(count for count, _ in self._bad.values())
        file = FileRead(
            str(self._path), self._kind, self._size, self._records, tally.matched, skipped
        )
        return Evidence(
            events=tuple(tally.events()),
            builds=tuple(tally.builds()),
            files=(file,),
            findings=tuple(self._findings),
        )

    def _read(self) -> None:
        start = head(self._path)
        self._kind = kind_of(start)
        if not self._kind:
            self._warn("CAS-W812", f"{_other(start)}; nothing of it was used", 0, _TRY)
            return
        for record in self._events():
            self._records += self._kind != "evtx"
            if record is None:
                self._bad.setdefault("without event id or source", [0, self._records])[0] += 1
                continue
            found = recognise(record)
            if found is not None:
                self._tally.add(record, found)
            elif self._kind in {"csv", "text"}:
                self._tally.note_time(record.time)

    def _events(self) -> Iterator[EventRecord | None]:
        path, at = self._path, self._on_position
        match self._kind:
            case "evtx":
                return evtx_file.records(path, self._bad_record, self._counted)
            case "xml":
                return xml_events.events(pieces(path, at))
            case "text":
                return text_events.events(lines(path, at))
            case "clixml":
                return map(record_of, clixml.rows(pieces(path, at)))
            case "csv":
                return map(record_of, csv_file.rows(lines(path, at)))
            case _:
                return map(record_of, json_file.rows(pieces(path, at)))

    def _counted(self, number: int) -> None:
        self._records = number
        if number % 1000 == 0:  # the library keeps its place to itself; a record is about 1 KB
            self._on_position(min(number * 1000, self._size))

    def _bad_record(self, why: str) -> None:
        self._bad.setdefault("unreadable", [0, self._records + 1])[0] += 1
        if len(self._findings) < _MOST_REASONS:
            self._warn("CAS-W813", f"a record is damaged and was left out: {why}"[:200])

    def _damaged(self, why: str, line: int) -> None:
        if self._records:
            said = f"{why}; {counted(self._records, 'record')} before that were read"
            self._warn("CAS-W813", said, line)
        else:
            self._warn("CAS-W812", f"{why}; nothing of it was used", line, _TRY)
            self._kind = ""

    def _summary(self) -> None:
        tally = self._tally
        for why, (count, line) in self._bad.items():
            if why != "unreadable":
                self._warn("CAS-W813", f"{counted(count, 'record')} {why}: left out", line)
        if tally.order_unknown:
            said = "dates such as 03/04/2012 may be in March or April; times were left out"
            self._warn("CAS-W821", said, 0, "export as CLIXML or XML, which say it")
        elif tally.without_zone:
            said = (
                f"the times of {counted(tally.without_zone, 'event')} have no zone; "
                "read as --zone says"
            )
            self._warn("CAS-W822", said)
        if tally.without_time:
            events = counted(tally.without_time, "event")
            self._warn("CAS-W823", f"{events} without a time that can be read")

    def _warn(self, code: str, message: str, line: int = 0, remedy: str = "") -> None:
        file = str(self._path)
        place = Place(file, line) if line else None
        found = Diagnostic(code, f"file {file}", message, place, remedy, Severity.WARNING)
        self._findings.append(found)


def kind_of(start: bytes) -> str:
    """What a file is by its first bytes: a kind of `FileRead`, or empty."""
    if start.startswith(evtx_file.MAGIC):
        return "evtx"
    if b"\0" in start or not start.strip():
        return ""
    text = decoded(start).lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        if "<Objs" in text:
            return "clixml"
        return "xml" if "<Event" in text or "!DOCTYPE" in text else ""
    if text[0] in "[{":
        return "json"
    first = [line for line in text.splitlines() if line.strip()][:3]
    if any(line.startswith("#TYPE") or _event_columns(line) for line in first[:2]):
        return "csv"
    return "text" if any(map(text_events.looks_like_events, first)) else ""


def _event_columns(line: str) -> bool:
    known = {FIELDS.get(plain(name)) for name in csv_file.columns(line)}
    return {"event_id", "provider"} <= known


def _other(start: bytes) -> str:
    if not start:
        return "is empty"
    if start.startswith(b"LfLe", 4):
        return "is an event log of Windows 2003 or older (.evt)"
    if b"#Software: Microsoft Internet Information" in start:
        return "is an IIS log, which goes to --iis-logs"
    if b"\0" in start:
        return "is binary and no .evtx"
    return "is no export of an event log"
