"""Any state to any state: plan, rollback and re-plan are the same call."""

from orchestrator.planner.goal import goal_state, last_sound_state
from orchestrator.planner.make import make_plan

__all__ = ["goal_state", "last_sound_state", "make_plan"]
