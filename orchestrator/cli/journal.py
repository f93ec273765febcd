"""`orchestrator journal`."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.apply import PlanFolder
from orchestrator.cli.view import show
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.report.console import Mode, mode, out
from orchestrator.report.journal import entry_line, entry_text
from orchestrator.report.results import Said


def journal(
    folder: PlanFolder,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the chain of hashes; show no entries.")
    ] = False,
) -> int:
    """Show what was started and what came of it; also while a run goes on. Changes nothing.

    With --json one object per line, as written.

    Exit codes: 0 shown, and with --verify: as it was written; 1 absent, damaged or changed.
    """
    with Journal.read(folder / JOURNAL_NAME) as book:
        if verify:
            book.verify()
        entries = book.entries()
    if verify:
        last = f", the last one written {entries[-1].time:%Y-%m-%d %H:%M:%S} UTC" if entries else ""
        line = f"{len(entries)} entries, every one as it was written{last}"
        when = entries[-1].time.isoformat() if entries else None
        show(Said(line, {"entries": len(entries), "last": when}))
    elif mode() is Mode.JSON:
        for entry in entries:
            typer.echo(entry_line(entry))
    else:
        console = out()
        for entry in entries:
            console.print(entry_text(entry), soft_wrap=True)
    return 0
