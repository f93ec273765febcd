"""From a plan and a windows file to a checked timetable."""

from __future__ import annotations

from pathlib import Path

from orchestrator.checker import check_timed
from orchestrator.cli.inputs import show_warnings
from orchestrator.cli.planning import require_safe
from orchestrator.inventory.windows import WindowsFile, read_windows
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.planner.schedule import schedule
from orchestrator.rules.engine import RuleBook


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


def timed_plan(topology: Topology, plan: Plan, book: RuleBook, read: WindowsFile) -> Plan:
    """The plan with a time for every step, replayed by the independent checker.

    Raises
    ------
    NoSafePlan
        If the steps do not fit the windows; also if the checker finds fault with the times.
    """
    timed = schedule(topology, plan, read.calendar, read.policy)
    require_safe(check_timed(topology, timed, book), "the planner")
    return timed
