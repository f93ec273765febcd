"""Reading maintenance windows for a command."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestrator.cli.inputs import show_warnings
from orchestrator.errors import OrchestratorError
from orchestrator.inventory.windows import WindowsFile, read_change_calendar, read_windows
from orchestrator.model.topology import Topology


def read_times(topology: Topology, windows: Path, today: date | None = None) -> WindowsFile:
    """A windows file or a change calendar, with its warnings shown.

    Parameters
    ----------
    topology : Topology
    windows : Path
    today : date or None
        The first day of a change calendar that is given by itself; None: it cannot be.

    Raises
    ------
    OrchestratorError
        If it would depend on the day on which it is read.
    InvalidInput
        With every fault of the file.
    """
    minutes = topology.replication_minutes
    if windows.suffix.lower() != ".ics":
        read = read_windows(windows, topology.sites, replication_minutes=minutes)
    elif today is None:
        raise OrchestratorError(
            f"{windows}: a change calendar does not say from which day on to plan, and the planner "
            "reads no clock",
            f"write a windows file with `from` and windows: [{{ics: {windows.name}}}]",
        )
    else:
        read = read_change_calendar(windows, topology.sites, today, replication_minutes=minutes)
    show_warnings(read.warnings)
    return read
