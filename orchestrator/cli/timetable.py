"""From a plan and windows to a checked timetable."""

from __future__ import annotations

from orchestrator.checker import check_timed
from orchestrator.cli.planning import require_safe
from orchestrator.inventory.windows import WindowsFile
from orchestrator.model.plan import Plan
from orchestrator.model.topology import Topology
from orchestrator.planner.schedule import schedule
from orchestrator.rules.engine import RuleBook


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
