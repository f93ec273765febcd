"""What `discover` reads from and writes to disk: the list, the folder, the record of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.diagnostic import Diagnostic, Place, Severity
from orchestrator.discovery import folder as found_folder
from orchestrator.discovery import todo
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.inventory import load_inventory
from orchestrator.inventory.faults import read_mapping
from orchestrator.inventory.sources import check_yaml_of_hosts, find_list
from orchestrator.inventory.yaml_text import parse
from orchestrator.shipped import catalogue

if TYPE_CHECKING:
    from orchestrator.discovery.draft import Draft
    from orchestrator.execution.discover import Reading
    from orchestrator.inventory.findings import Findings
    from orchestrator.inventory.raw_list import RawList
    from orchestrator.inventory.yaml_text import YamlText

RECORD_VERSION = 1
_VARIABLES = ("group_vars", "host_vars")


@dataclass(frozen=True)
class HostList:
    """A list of hosts, and those of it that are to be read."""

    list: RawList
    source: Path
    to_read: tuple[str, ...]
    places: Mapping[str, Place]


@dataclass(frozen=True)
class Record:
    """What was read and when: the file discovered.json.

    Parameters
    ----------
    read_at, events_since : str
        ISO 8601 in UTC.
    answers : mapping of inventory name to ``exchange_server``
    not_exchange : mapping of inventory name to Diagnostic
    problems : tuple of Diagnostic
    """

    read_at: str
    events_since: str
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    not_exchange: Mapping[str, Diagnostic] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()

    @classmethod
    def of(cls, read: Reading, since: datetime, places: Mapping[str, Place]) -> Record:
        """A fresh reading, with the places of the hosts it could not read."""
        return cls(
            _text(datetime.now(UTC)),
            _text(since),
            read.answers,
            {host: _placed(found, places) for host, found in read.not_exchange.items()},
            tuple(_placed(problem, places) for problem in read.problems),
        )

    def content(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "version": RECORD_VERSION,
            "read_at": self.read_at,
            "events_since": self.events_since,
            "complete": not self.problems,
            "servers": self.answers,
            "not_exchange": {host: _plain(said) for host, said in self.not_exchange.items()},
            "problems": [_plain(problem) for problem in self.problems],
        }


def read_record(folder: Path) -> Record:
    """What a discovered folder was written from.

    Raises
    ------
    InvalidInput
        CAS-E803 for a folder somebody else wrote, CAS-E804 for a record that cannot be used.
    """
    path = folder / found_folder.RECORD
    subject = f"folder {folder}"
    if not path.exists():
        message = f"exists and was not written by discover: it has no {found_folder.RECORD}"
        remedy = "choose another folder with -o; nothing is ever written over what somebody wrote"
        raise InvalidInput([Diagnostic("CAS-E803", subject, message, Place(str(folder)), remedy)])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            str(content["read_at"]),
            str(content["events_since"]),
            dict(content["servers"]),
            {host: _diagnostic(said) for host, said in content["not_exchange"].items()},
            tuple(map(_diagnostic, content["problems"])),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"cannot be used: {error or type(error).__name__}"
        remedy = (
            "discover again from the hosts, into another folder; give --exports again, if the "
            "folder was written from exports"
        )
        raise InvalidInput(
            [Diagnostic("CAS-E804", found_folder.RECORD, message, Place(str(path)), remedy)]
        ) from None


def texts_of(folder: Path) -> dict[str, str]:
    """The files of a discovered folder; empty for one that does not exist or is empty."""
    if folder.exists() and not folder.is_dir():
        raise OrchestratorError(f"{folder} is a file", "name a folder with -o")
    if not folder.exists() or not any(folder.iterdir()):
        return {}
    names = [found_folder.HOSTS, found_folder.ORGANIZATION, found_folder.RECORD]
    kept = {name: _read(folder / name) for name in names if (folder / name).is_file()}
    return {**kept, **variable_files(folder)} or {".": ""}


def variable_files(source: Path) -> dict[str, str]:
    """group_vars and host_vars beside a list of hosts, as they are."""
    folder = source if source.is_dir() else source.parent
    return {
        path.relative_to(folder).as_posix(): _read(path)
        for name in _VARIABLES
        for path in sorted((folder / name).rglob("*"))
        if path.is_file()
    }


def load_list(
    source: Path,
    findings: Findings,
    vault_password_file: Path | None,
    extra_vars: Sequence[str],
) -> HostList:
    """Read a list of hosts with Ansible.

    Raises
    ------
    InvalidInput
        CAS-E001 to CAS-E011, CAS-E801 for a password in clear, CAS-E802 for an empty list.
    """
    from orchestrator.inventory import ansible_source

    sources = find_list(source, findings)
    check_yaml_of_hosts(sources, findings)
    if findings.errors:
        raise InvalidInput(findings.errors)
    listed = ansible_source.read_list(
        sources, findings, vault_password_file=vault_password_file, extra_vars=extra_vars
    )
    for host, name, place in listed.clear_secrets:
        findings.error(
            "CAS-E801",
            f"host {host}",
            f"{name} stands there in clear, and would stand in clear in what is written",
            place,
            "put it into a vault, or look it up in a file: lookup('ansible.builtin.file', ...)",
        )
    management = set(listed.members("management"))
    to_read = tuple(name for name in listed.own_variables if name not in management)
    if not to_read and not findings.errors:
        findings.error(
            "CAS-E802",
            f"list {source}",
            "has no host besides the group management",
            Place(str(sources.hosts or source)),
            "list the Exchange servers",
        )
    if findings.errors:
        raise InvalidInput(findings.errors)
    assert sources.hosts is not None  # noqa: S101 - else there is a finding
    return HostList(
        listed, sources.hosts, to_read, {host.name: host.place for host in listed.hosts}
    )


def find_todo(given: Path | None, output: Path, source: Path) -> Path | None:
    """Where the person's answers are; None if nobody has written any yet."""
    if given is not None:
        if not given.is_file():
            raise OrchestratorError(f"--todo {given}: there is no such file")
        return given
    beside = source if source.is_dir() else source.parent
    return next((f / todo.NAME for f in (output, beside) if (f / todo.NAME).is_file()), None)


def read_todo(path: Path | None, drafted: Draft, output: Path, findings: Findings) -> YamlText:
    """The text of todo.yml; of the one that is about to be written where there is none yet.

    Raises
    ------
    InvalidInput
        If it is no YAML, or no mapping.
    """
    if path is None:
        fresh = parse(todo.template(drafted), str(output / todo.NAME), findings)
        assert fresh is not None  # noqa: S101 - our own text
        return fresh
    text = read_mapping(path, findings, "CAS-E805", "`version: 1`")
    if text is None:
        raise InvalidInput(findings.errors)
    return text


def write_files(folder: Path, files: Mapping[str, str], todo_text: str | None) -> None:
    """Write a discovered folder; todo.yml only where there is none."""
    wanted = {**files, **({todo.NAME: todo_text} if todo_text is not None else {})}
    try:
        for name, text in wanted.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            passing = path.with_name(f".{path.name}.new")
            passing.write_text(text, encoding="utf-8", newline="\n")
            passing.replace(path)
    except OSError as error:
        raise OrchestratorError(f"{folder} cannot be written: {error.strerror}") from None


def seen_by_plan(
    folder: Path, vault_password_file: Path | None, extra_vars: Sequence[str]
) -> tuple[Diagnostic, ...]:
    """Why `plan` would refuse the folder as it is; empty if it would not."""
    try:
        load_inventory(
            folder,
            catalogue=catalogue(),
            vault_password_file=vault_password_file,
            extra_vars=extra_vars,
        )
    except InvalidInput as refused:
        return refused.diagnostics
    return ()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OrchestratorError(
            f"{path} cannot be read: {error}", "it must be a readable text file in UTF-8"
        ) from None


def _placed(found: Diagnostic, places: Mapping[str, Place]) -> Diagnostic:
    """With the line of the host it is about."""
    kind, _, names = found.subject.partition(" ")
    place = places.get(names.partition(",")[0]) if kind in {"host", "hosts"} else None
    return Diagnostic(found.code, found.subject, found.message, place, found.remedy, found.severity)


def _plain(found: Diagnostic) -> dict[str, Any]:
    return {
        "code": found.code,
        "subject": found.subject,
        "message": found.message,
        "file": found.place.file if found.place else "",
        "line": found.place.line if found.place else 0,
        "remedy": found.remedy,
        "severity": str(found.severity),
    }


def _diagnostic(said: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        str(said["code"]),
        str(said["subject"]),
        str(said["message"]),
        Place(str(said["file"]), int(said["line"])) if said["file"] else None,
        str(said["remedy"]),
        Severity(said["severity"]),
    )


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
