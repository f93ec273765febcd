"""Reading maintenance windows for a command."""

from __future__ import annotations

from pathlib import Path

from orchestrator.cli.inputs import show_warnings
from orchestrator.inventory.windows import WindowsFile, read_windows
from orchestrator.model.topology import Topology


def read_times(topology: Topology, windows: Path) -> WindowsFile:
    """A windows file, with its warnings shown.

    Raises
    ------
    InvalidInput
        With every fault of the windows file.
    """
    read = read_windows(windows, topology.sites, replication_minutes=topology.replication_minutes)
    show_warnings(read.warnings)
    return read
