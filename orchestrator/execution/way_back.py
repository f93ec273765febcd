"""What a way back means for the plan it undoes, written into that plan's journal."""

from __future__ import annotations

from pathlib import Path

from orchestrator.execution.gate import compare
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan, Step, within_reach
from orchestrator.model.state import State

RUNS = "runs"
"""Folder of the ways back inside a plan directory."""


def parent_of(folder: Path) -> Path | None:
    """The plan directory a way back belongs to; None if the folder is no way back."""
    above = folder.absolute().parent
    if above.name != RUNS:
        return None
    return folder.parent.parent if len(folder.parts) > 2 else above.parent


def begin_way_back(journal: Journal, run: str, who: Who) -> None:
    """Write, before anything is undone, that a way back begins.

    Parameters
    ----------
    journal : Journal
        Of the plan that is undone.
    run : str
        Folder of the way back, relative to the plan's.
    who : Who
    """
    for name, step in view(journal.entries()).steps.items():
        if step.status is StepStatus.STARTED:
            reason = "the program died before the end of the step was written"
            journal.append(Kind.STEP_IN_DOUBT, name, attempt=step.attempt, reason=reason)
    journal.append(Kind.ROLLBACK_STARTED, run=run, who=who.data())


def way_back_done(journal: Journal, plan: Plan, end: State, run: str) -> tuple[str, ...]:
    """Write which steps of a plan are undone now that a way back has ended; returns their ids.

    Parameters
    ----------
    journal : Journal
        Of the plan that was undone.
    plan : Plan
    end : State
        Where the way back ended: a state on the way of the plan.
    run : str
        Folder of the way back, relative to the plan's.
    """
    state, kept = plan.start, 0
    for number, step in enumerate(plan.steps, start=1):
        if not compare(within_reach(plan.start, plan.steps, state, end), end):
            break
        state, kept = step.apply(state), number
    run_view = view(journal.entries())
    undone = tuple(
        step.id
        for step in plan.steps[kept:]
        if run_view.status(step.id) not in {StepStatus.PENDING, StepStatus.COMPENSATED}
        and not _still_there(step, end)
    )
    journal.append(Kind.STEPS_COMPENSATED, steps=list(undone), run=run)
    return undone


def _still_there(step: Step, end: State) -> bool:
    """Whether it brought servers over a service pack, from which there is no way back."""
    return step.is_service_pack and any(
        step.to_build and end.builds[name].service_pack_level >= step.to_build.service_pack_level
        for name in step.servers
    )
