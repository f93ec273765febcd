"""Servers a step took out of service and did not put back: their records on the control node."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(".orchestrator") / "drained"


def still_out(inventory: Path) -> tuple[str, ...]:
    """What is still out of service or in maintenance mode, one line each.

    Parameters
    ----------
    inventory : Path
        Folder of the organisation, where the role exchange_drain keeps its records.
    """
    lines = []
    for record in sorted((inventory / FOLDER).glob("*.json")):
        server, _, hook = record.stem.rpartition("-")
        since = datetime.fromtimestamp(record.stat().st_mtime, UTC)
        what = "in maintenance mode" if hook == "monitoring" else f"out of service ({hook})"
        lines.append(f"{server} is {what} since {since:%Y-%m-%d %H:%M} UTC")
    return tuple(lines)
