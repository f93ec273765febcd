"""From a folder of exports to a draft of the organisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.diagnostic import Diagnostic, Place, Severity
from orchestrator.discovery.blocks import Unreadable, pieces
from orchestrator.discovery.draft import Draft
from orchestrator.discovery.evidence import FileRead
from orchestrator.discovery.exports.draft import Collected
from orchestrator.discovery.exports.objects import kind_of
from orchestrator.discovery.files import InputFile, find_files
from orchestrator.discovery.rows import clixml, csv_file, json_file
from orchestrator.discovery.rows.row import Damaged, Row
from orchestrator.discovery.text import decoded, head, lines
from orchestrator.errors import InvalidInput
from orchestrator.model.build import Catalogue

ENDINGS = (".clixml", ".xml", ".json", ".csv", ".txt")
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Exports:
    """What exports say.

    Parameters
    ----------
    draft : Draft
    files : tuple of FileRead
    findings : tuple of Diagnostic
        Warnings: files and objects that were left out.
    """

    draft: Draft
    files: tuple[FileRead, ...]
    findings: tuple[Diagnostic, ...]


def read_exports(
    paths: Sequence[Path],
    catalogue: Catalogue,
    on_progress: Progress = lambda _done, _total: None,
) -> Exports:
    """What exports of Exchange's cmdlets say of an organisation.

    Raises
    ------
    InvalidInput
        If a path leads to no file, or no export has a Client Access server (CAS-E841).
    """
    files, warnings = find_files(paths, ENDINGS, "--exports")
    collected = Collected(catalogue)
    total, before, read = sum(file.size for file in files), 0, []
    for file in files:

        def at(position: int, before: int = before) -> None:
            on_progress(before + position, total)

        read.append(_read(file, collected, at))
        before += file.size
    draft = collected.draft()
    findings = (*warnings, *collected.findings)
    if not draft.client_access:
        raise InvalidInput([_no_server(paths, len(draft.servers)), *findings])
    return Exports(draft, tuple(read), findings)


def _no_server(paths: Sequence[Path], others: int) -> Diagnostic:
    return Diagnostic(
        "CAS-E841",
        f"--exports {' '.join(map(str, paths))}",
        f"no Client Access server in any export ({others} other servers)",
        remedy="export Get-ExchangeServer: docs/discovery.md has the lines",
    )


def _read(file: InputFile, collected: Collected, at: Callable[[int], object]) -> FileRead:
    name = str(file.path)
    kind, records, matched = "", 0, 0
    try:
        start = head(file.path)
        kind = _kind(start)
        for row in _rows(kind, file.path, at):
            records += 1
            what = kind_of(row)
            if what is not None:
                matched += 1
                collected.add(what, row, Place(name, row.line))
        if not matched:
            said = "no object in it is of a kind that is known" if kind else "is no export"
            _left_out(collected, name, said)
    except (Damaged, Unreadable) as error:
        line = error.line if isinstance(error, Damaged) else 0
        _left_out(collected, name, f"{error}; {records} objects before that were read", line)
    except OSError as error:
        _left_out(collected, name, f"cannot be read: {error.strerror}")
    return FileRead(name, kind, file.size, records, matched, records - matched)


def _rows(kind: str, path: Path, at: Callable[[int], object]) -> Iterator[Row]:
    match kind:
        case "clixml":
            return clixml.rows(pieces(path, at))
        case "json":
            return json_file.rows(pieces(path, at))
        case "csv":
            return csv_file.rows(lines(path, at))
        case _:
            return iter(())


def _kind(start: bytes) -> str:
    if b"\0" in start:
        raise Unreadable("is binary, no export")
    text = decoded(start).lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return "clixml" if "<Objs" in text or "<!DOCTYPE" in text else ""
    if text[:1] in {"[", "{"}:
        return "json"
    first = next((line for line in text.splitlines() if not line.startswith("#")), "")
    return "csv" if len(csv_file.columns(first)) > 1 else ""


def _left_out(collected: Collected, name: str, message: str, line: int = 0) -> None:
    place = Place(name, line) if line else None
    found = Diagnostic("CAS-W841", f"file {name}", message, place, severity=Severity.WARNING)
    collected.findings.append(found)
