"""Declared, read and logged side by side, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.diagnostic import Diagnostic
from orchestrator.discovery.reconcile import Row, Standing
from orchestrator.report.json_text import diagnostic_document

_STYLE = {
    Standing.AGREES: ("agrees", "green"),
    Standing.DIFFERS: ("DIFFERS", "bold red"),
    Standing.UNKNOWN: ("UNKNOWN", "bold magenta"),
}


@dataclass(frozen=True)
class Reconciled:
    """The answer of `reconcile`.

    Parameters
    ----------
    rows : sequence of Row
    problems : sequence of Diagnostic
        Hosts that were not read, and what else to know.
    everything : bool
        Show what agrees, too.
    """

    rows: Sequence[Row]
    problems: Sequence[Diagnostic]
    everything: bool = False

    def print(self, out: Console) -> None:
        """What differs and what nobody knows, side by side."""
        shown = [r for r in self.rows if self.everything or r.standing is not Standing.AGREES]
        if shown:
            out.print(_table(shown))
        notes = dict.fromkeys((row.kind, row.subject, row.note) for row in shown if row.note)
        for kind, subject, note in notes:
            out.print(Text(f"  {subject}, {kind}: {note}"), soft_wrap=True)
        for problem in self.problems:
            out.print(Text(f"  {problem}", style="yellow"), soft_wrap=True)
        counts = Counter(row.standing for row in self.rows)
        out.print()
        sentence = (
            f"{counts[Standing.DIFFERS]} differ, {counts[Standing.UNKNOWN]} are unknown, "
            f"{counts[Standing.AGREES]} agree."
        )
        out.print(Text(sentence))

    def document(self) -> dict[str, Any]:
        """Every row, those that agree, too."""
        return {
            "rows": [{**asdict(row), "standing": str(row.standing)} for row in self.rows],
            "problems": [diagnostic_document(problem) for problem in self.problems],
        }


def _table(rows: Sequence[Row]) -> Table:
    table = Table(expand=False)
    table.add_column("", no_wrap=True)
    for name in ("what", "of", "declared", "read", "logged"):
        table.add_column(name, overflow="fold")
    for row in rows:
        word, style = _STYLE[row.standing]
        cells = (row.kind, row.subject, row.declared, row.read, row.logged)
        table.add_row(Text(word, style=style), *(Text(cell) for cell in cells))
    return table
