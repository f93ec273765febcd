"""From a plan and a windows file to a checked timetable."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from orchestrator.checker import check_timed
from orchestrator.cli.planning import require_safe
from orchestrator.inventory.windows import read_windows
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.planner.schedule import schedule
from orchestrator.report.console import err
from orchestrator.rules.engine import RuleBook


def timed_plan(topology: Topology, plan: Plan, book: RuleBook, windows: Path) -> Plan:
    """The plan with a time for every step, replayed by the independent checker.

    Raises
    ------
    InvalidInput
        With every fault of the windows file.
    NoSafePlan
        If the steps do not fit the windows; also if the checker finds fault with the times.
    """
    read = read_windows(windows, topology.sites, replication_minutes=topology.replication_minutes)
    for warning in read.warnings:
        err().print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)
    timed = schedule(topology, plan, read.calendar, read.policy)
    require_safe(check_timed(topology, timed, book), "the planner")
    return timed
