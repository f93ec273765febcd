"""`orchestrator discover`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.discover_exports import Request, discover_exports
from orchestrator.cli.discovering import (
    HostList,
    Record,
    find_todo,
    load_list,
    read_record,
    read_todo,
    seen_by_plan,
    texts_of,
    variable_files,
    write_files,
)
from orchestrator.cli.live import check_secrets, discover_hosts
from orchestrator.cli.options import ExtraVars, VaultPasswordFile
from orchestrator.cli.view import show
from orchestrator.discovery import folder as found_folder
from orchestrator.discovery import todo
from orchestrator.discovery.draft import Draft
from orchestrator.discovery.facts_events import reported_events
from orchestrator.discovery.from_facts import draft, left_out
from orchestrator.errors import InvalidInput, OrchestratorError
from orchestrator.execution.attempts import AnsibleInputs
from orchestrator.inventory.findings import Findings
from orchestrator.report.discovery import summary
from orchestrator.shipped import catalogue

DIFFERS = 2
INCOMPLETE = 5


def discover(
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder for the inventory; new, or discovered before."),
    ],
    inventory: Annotated[
        Path | None,
        typer.Option(
            "-i",
            "--inventory",
            help="List of hosts with connection variables: a folder or a hosts file. "
            "Without it nothing is read; the folder is written again from what was read before.",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--todo",
            metavar="FILE",
            help="What no server can say, filled in. Default: todo.yml of the output folder, then "
            "of the list's.",
        ),
    ] = None,
    exports: Annotated[
        list[Path] | None,
        typer.Option(
            "--exports",
            help="Exports of Exchange's cmdlets instead of hosts; no host is asked anything.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=365, help="How far back events are read.")
    ] = 7,
    force: Annotated[
        bool, typer.Option("--force", help="Write over what was discovered before.")
    ] = False,
    extra_vars: ExtraVars = None,
    vault_password_file: VaultPasswordFile = None,
) -> int:
    """Read a list of hosts and write inventory, organization.yml and what remains to be said.

    Nothing is changed on any host.

    Exit codes: 0 everything was read and the folder holds it, 1 error, 2 the folder differs from
    what was read and was not written over, 5 some hosts were not read.
    """
    extra = tuple(extra_vars or [])
    check_secrets(extra)
    if exports:
        asked = Request(output, exports, inventory, answers, vault_password_file, extra, force)
        return discover_exports(asked)
    before = texts_of(output)
    findings = Findings()
    record = read_record(output) if before else None
    source = inventory or (output if record else None)
    if source is None:
        raise OrchestratorError(
            f"{output} was not discovered yet, and no list of hosts is given",
            "name one with -i: a folder or hosts file with the servers and the group management",
        )
    hosts = load_list(source, findings, vault_password_file, extra)
    if record is None or inventory is not None:
        inputs = AnsibleInputs((hosts.source,), extra, vault_password_file)
        record = _read(inputs, hosts, days)
    drafted, unusable = draft(record.answers, catalogue(), hosts.places)
    if not drafted.servers and record.problems:
        raise InvalidInput(record.problems)
    path = find_todo(answers, output, source)
    said = todo.read(read_todo(path, drafted, output, findings), drafted, findings)
    if said is None:
        raise InvalidInput(findings.errors)
    found = _found(drafted, hosts, record, said)
    after = {**variable_files(source), **found_folder.files(found, record.content())}
    changed = found_folder.difference(before, after) if before else []
    written = not before or force
    if written:
        template = None if (output / todo.NAME).exists() else _todo_text(path, drafted)
        write_files(output, after, template)
    result = summary(
        found,
        folder=output,
        read_at=record.read_at,
        problems=(*record.problems, *unusable),
        warnings=(*findings.warnings, *record.not_exchange.values(), *left_out(drafted)),
        open_fields=said.open,
        todo_is_new=path is None,
        events=reported_events(record.answers),
        refused=seen_by_plan(output, vault_password_file, extra) if written else (),
        difference=changed,
        written=written,
    )
    show(result)
    if not result.complete:
        return INCOMPLETE
    return DIFFERS if changed and not written else 0


def _read(inputs: AnsibleInputs, hosts: HostList, days: int) -> Record:
    since = datetime.now(UTC) - timedelta(days=days)
    read = discover_hosts(inputs, hosts.to_read, f"{since:%Y-%m-%dT%H:%M:%SZ}")
    return Record.of(read, since, hosts.places)


def _found(
    drafted: Draft, hosts: HostList, record: Record, said: todo.Answers
) -> found_folder.Found:
    usable = {server.name for server in drafted.servers}
    return found_folder.Found(
        drafted,
        hosts.list,
        sorted({*hosts.to_read} - usable - {*record.not_exchange}),
        tuple(record.not_exchange),
        said.organization,
        said.minutes,
    )


def _todo_text(path: Path | None, drafted: Draft) -> str:
    if path is None:
        return todo.template(drafted)
    return path.read_text(encoding="utf-8")


__all__ = ["discover"]
