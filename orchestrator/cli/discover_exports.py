"""`orchestrator discover --exports`: the same folder from files, where no host may be asked yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.cli.discovering import (
    RECORD_VERSION,
    find_todo,
    load_list,
    read_todo,
    seen_by_plan,
    texts_of,
    variable_files,
    write_files,
)
from orchestrator.cli.reading_progress import reading
from orchestrator.cli.view import show
from orchestrator.diagnostic import Diagnostic, Place
from orchestrator.discovery import folder as found_folder
from orchestrator.discovery import todo
from orchestrator.discovery.draft import Draft
from orchestrator.discovery.evidence import host_name
from orchestrator.discovery.exports.read import Exports, read_exports
from orchestrator.discovery.farm import left_out as without_site_or_build
from orchestrator.discovery.from_facts import left_out
from orchestrator.errors import InvalidInput
from orchestrator.inventory.findings import Findings
from orchestrator.inventory.raw_list import RawGroup, RawList
from orchestrator.report.discovery import summary
from orchestrator.shipped import catalogue

DIFFERS = 2
INCOMPLETE = 5
FROM_EXPORTS = "from_exports"


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Parameters
    ----------
    output : Path
    exports : sequence of Path
    inventory : Path or None
        A list of hosts: its groups and connection variables are kept, and no host is asked.
    answers : Path or None
        todo.yml, where it does not stand in the output or beside the list.
    """

    output: Path
    exports: Sequence[Path]
    inventory: Path | None
    answers: Path | None
    vault_password_file: Path | None
    extra_vars: Sequence[str]
    force: bool


def discover_exports(request: Request) -> int:
    """Write the folder, or show how it differs; exit codes as those of `discover`."""
    output, findings = request.output, Findings()
    before = texts_of(output)
    if before:
        _check_ours(output)
    with reading("exports") as on_progress:
        exports = read_exports(request.exports, catalogue(), on_progress)
    listed, drafted = _matched(request, exports.draft, findings)
    not_read = sorted(set(_servers(listed)) - {server.name for server in drafted.servers})
    path = find_todo(request.answers, output, request.inventory or output)
    said = todo.read(read_todo(path, drafted, output, findings), drafted, findings)
    if said is None:
        raise InvalidInput(findings.errors)
    found = found_folder.Found(drafted, listed, not_read, (), said.organization, said.minutes)
    after = {
        **(variable_files(request.inventory) if request.inventory else {}),
        **found_folder.files(found, _record(exports)),
    }
    changed = found_folder.difference(before, after) if before else []
    written = not before or request.force
    if written:
        fresh = todo.template(drafted) if path is None else path.read_text(encoding="utf-8")
        write_files(output, after, None if (output / todo.NAME).exists() else fresh)
    strangers = without_site_or_build(exports.draft)
    show(
        summary(
            found,
            folder=output,
            read_at=_record(exports)["read_at"],
            problems=(),
            warnings=(*findings.warnings, *exports.findings, *strangers, *left_out(drafted)),
            open_fields=said.open,
            refused=seen_by_plan(output, request.vault_password_file, request.extra_vars)
            if written
            else (),
            difference=changed,
            written=written,
        )
    )
    if not_read or strangers:
        return INCOMPLETE
    return DIFFERS if changed and not written else 0


def _matched(request: Request, draft: Draft, findings: Findings) -> tuple[RawList, Draft]:
    """List and draft with the same names; servers without site or line are left out."""
    listed = RawList((RawGroup("all"),))
    if request.inventory is not None:
        listed = load_list(
            request.inventory, findings, request.vault_password_file, request.extra_vars
        ).list
    names = {host_name(name): name for name in listed.own_variables}
    servers = tuple(
        replace(server, name=names.get(server.name, server.name))
        for server in draft.servers
        if server.site and server.product_line
    )
    own = {
        server.name: {"ansible_host": server.address} if server.address else {}
        for server in servers
    }
    everyone: dict[str, dict[str, object]] = {name: dict(said) for name, said in own.items()}
    everyone |= {name: dict(said) for name, said in listed.own_variables.items()}
    return replace(listed, own_variables=everyone), replace(draft, servers=servers)


def _servers(listed: RawList) -> list[str]:
    management = set(listed.members("management"))
    return [name for name in listed.own_variables if name not in management]


def _record(exports: Exports) -> dict[str, object]:
    return {
        "version": RECORD_VERSION,
        "read_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        FROM_EXPORTS: [file.file for file in exports.files if file.matched],
    }


def _check_ours(output: Path) -> None:
    """Only what was written from exports is written over by exports (CAS-E803)."""
    path = output / found_folder.RECORD
    try:
        ours = FROM_EXPORTS in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        ours = False
    if not ours:
        raise InvalidInput(
            [
                Diagnostic(
                    "CAS-E803",
                    f"folder {output}",
                    "exists and was not written from exports",
                    Place(str(output)),
                    "choose another folder with -o",
                )
            ]
        )
