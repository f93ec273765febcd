"""The second opinion: replays a plan against the rules, knowing nothing of the planner.

Imports model and rules only; a test on imports keeps it so.
"""

from orchestrator.checker.order import CheckReport, Violation, check

__all__ = ["CheckReport", "Violation", "check"]
