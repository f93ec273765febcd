"""The second opinion: replays a plan against the rules, knowing nothing of the planner.

Imports model and rules only; a test on imports keeps it so.
"""

from orchestrator.checker.order import CheckReport, Violation, check
from orchestrator.checker.timed import check_timed

__all__ = ["CheckReport", "Violation", "check", "check_timed"]
