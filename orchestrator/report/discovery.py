"""The result of `orchestrator discover` in words, a table, and JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.diagnostic import Diagnostic
from orchestrator.discovery.draft import DraftServer
from orchestrator.discovery.evidence import EventEvidence
from orchestrator.discovery.folder import Found
from orchestrator.model.topology import Protocol
from orchestrator.report.json_text import diagnostic_document

_MOST_NAMED = 3


@dataclass(frozen=True)
class Summary:
    """What was found, what was not, and what is left to be said.

    Parameters
    ----------
    found : Found
    folder : Path
    read_at : str
    problems, warnings, open_fields, refused : sequence of Diagnostic
        Hosts not read; what to know; fields still TODO; why `plan` would refuse the folder.
    difference : sequence of str
        Lines of a unified diff against what the folder held before.
    written : bool
    events : sequence of EventEvidence
        What the servers' own event logs say of proxying.
    todo_is_new : bool
        The file of open fields was made by this very run.
    """

    found: Found
    folder: Path
    read_at: str
    problems: Sequence[Diagnostic]
    warnings: Sequence[Diagnostic]
    open_fields: Sequence[Diagnostic]
    refused: Sequence[Diagnostic]
    difference: Sequence[str]
    written: bool
    events: Sequence[EventEvidence] = ()
    todo_is_new: bool = False

    @property
    def complete(self) -> bool:
        """Whether every host of the list was read or is known to be none of ours."""
        return not self.problems and not self.found.not_read

    def print(self, out: Console) -> None:
        """A table, and what is missing, to know or to be said."""
        _print(out, self)

    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return _content(self)


def summary(found: Found, **more: Any) -> Summary:
    """The parts as one value."""
    return Summary(found, **more)


def _print(console: Console, result: Summary) -> None:
    console.print(_table(result.found.draft.servers))
    for title, found in (
        ("Not read", result.problems),
        ("To know", result.warnings),
        ("Still to be said", () if result.todo_is_new else _together(result.open_fields)),
        ("A plan would be refused today", result.refused),
    ):
        if found:
            console.print(Text(f"{title}:", style="bold"))
            for line in found:
                console.print(Text(f"  {line}"), soft_wrap=True)
    if result.events:
        console.print(Text("What the event logs say of proxying:", style="bold"))
        for event in result.events:
            console.print(Text(f"  {_event(event)}"), soft_wrap=True)
    if result.difference:
        console.print(Text("What has changed since:", style="bold"))
        for text in result.difference:
            style = {"+": "green", "-": "red"}.get(text[:1], "")
            console.print(Text(f"  {text}", style=style), soft_wrap=True)
    console.print()
    console.print(Text(_sentence(result)), soft_wrap=True)


def _event(event: EventEvidence) -> str:
    seen = event.sighting
    span = f", {seen.first:%Y-%m-%d %H:%M} to {seen.last:%Y-%m-%d %H:%M} UTC" if seen.first else ""
    targets = f", proxying to {', '.join(event.targets)}" if event.targets else ""
    return (
        f"{event.server}: {event.provider} {event.event_id} ({event.meaning}{targets}), "
        f"{seen.count} times at least{span}"
    )


def _together(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """One line for all pools or sites of which the same is still to be said."""
    groups: dict[tuple[str, str], list[Diagnostic]] = {}
    for entry in found:
        groups.setdefault((entry.message, entry.remedy), []).append(entry)
    lines = []
    for same in groups.values():
        subjects = ", ".join(entry.subject for entry in same[:_MOST_NAMED])
        more = f" and {len(same) - _MOST_NAMED} more" if len(same) > _MOST_NAMED else ""
        lines.append(replace(same[0], subject=subjects + more))
    return lines


def _sentence(result: Summary) -> str:
    servers = result.found.draft.servers
    head = f"{len(servers)} Exchange servers read at {result.read_at}."
    if not result.complete:
        missing = ", ".join(sorted(result.found.not_read)) or "see above"
        head += (
            f" INCOMPLETE: not read: {missing}. They stand in the group exchange without facts, so "
            "that no plan is made without them."
        )
    if result.written and result.todo_is_new:
        return (
            f"{head} Written to {result.folder}. What no server can say is asked in "
            f"{result.folder / 'todo.yml'}: {len(result.open_fields)} fields, each with what is "
            "assumed until it is filled in."
        )
    if result.written:
        return f"{head} Written to {result.folder}."
    if result.difference:
        return f"{head} {result.folder} differs and was left as it is; --force writes it over."
    return f"{head} {result.folder} holds just that."


def _table(servers: Sequence[DraftServer]) -> Table:
    table = Table(title="Exchange servers", title_justify="left", title_style="bold")
    for name in ("server", "site", "build", "roles"):
        table.add_column(name, no_wrap=name != "roles", overflow="fold")
    for name in ("OWA ExternalUrl", "to know"):
        table.add_column(name, overflow="fold")
    for server in servers:
        owa = server.directories.get(Protocol.OWA)
        table.add_row(
            server.name,
            server.site,
            str(server.build),
            ", ".join(server.roles),
            (owa.external_url if owa else "") or "-",
            _remark(server),
        )
    return table


def _remark(server: DraftServer) -> str:
    facts = server.facts
    said = []
    if facts.get("pending restart") == "yes":
        said.append("waits for a restart")
    if facts.get("interim updates"):
        said.append(f"interim update: {facts['interim updates']}")
    if facts.get("not cached"):
        said.append(f"no cached package: {facts['not cached']}")
    if facts.get("automatic updates") in {"install", "download"}:
        said.append(f"automatic updates: {facts['automatic updates']}")
    if facts.get("services"):
        said.append(f"not running: {facts['services']}")
    if server.dag:
        said.append(f"member of {server.dag}")
    return "; ".join(said)


def _content(result: Summary) -> dict[str, Any]:
    return {
        "folder": str(result.folder),
        "read_at": result.read_at,
        "complete": result.complete,
        "written": result.written,
        "servers": [
            {
                "name": server.name,
                "site": server.site,
                "product_line": server.product_line,
                "build": str(server.build),
                "roles": list(server.roles),
                "dag": server.dag,
                "facts": dict(server.facts),
            }
            for server in result.found.draft.servers
        ],
        "not_read": sorted(result.found.not_read),
        "problems": [diagnostic_document(found) for found in result.problems],
        "warnings": [diagnostic_document(found) for found in result.warnings],
        "open": [diagnostic_document(found) for found in result.open_fields],
        "plan_refuses": [diagnostic_document(found) for found in result.refused],
        "events": [
            {
                "server": event.server,
                "source": event.provider,
                "id": event.event_id,
                "meaning": str(event.meaning),
                "at_least": event.sighting.count,
                "confidence": str(event.confidence),
            }
            for event in result.events
        ],
        "difference": list(result.difference),
    }
