"""What a way back means for the plan it undoes, written into that plan's journal."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

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


def begin_way_back(journal: Journal, run: str, who: Who, sites: Collection[str] = ()) -> None:
    """Write, before anything is undone, that a way back begins.

    Parameters
    ----------
    journal : Journal
        Of the plan that is undone.
    run : str
        Folder of the way back, relative to the plan's.
    who : Who
    sites : collection of str
        Only these go back; empty: everything, or what the same way back said when it began.
    """
    sites = sorted(sites) or _sites_of(journal, run)
    for name, step in view(journal.entries()).steps.items():
        if step.status is StepStatus.STARTED:
            reason = "the program died before the end of the step was written"
            journal.append(Kind.STEP_IN_DOUBT, name, attempt=step.attempt, reason=reason)
    only: dict[str, Any] = {"sites": sites} if sites else {}
    journal.append(Kind.ROLLBACK_STARTED, run=run, who=who.data(), **only)


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
    if sites := _sites_of(journal, run):
        gone = [step for step in plan.steps if step.servers and step.pool.site in sites]
    else:
        gone = list(plan.steps[_kept(plan, end) :])
    run_view = view(journal.entries())
    undone = tuple(
        step.id
        for step in gone
        if run_view.status(step.id) not in {StepStatus.PENDING, StepStatus.COMPENSATED}
        and not _still_there(step, end)
    )
    journal.append(Kind.STEPS_COMPENSATED, steps=list(undone), run=run)
    return undone


def _kept(plan: Plan, end: State) -> int:
    """How many steps lead to a state on the way of the plan."""
    state, kept = plan.start, 0
    for number, step in enumerate(plan.steps, start=1):
        if not compare(within_reach(plan.start, plan.steps, state, end), end):
            break
        state, kept = step.apply(state), number
    return kept


def _still_there(step: Step, end: State) -> bool:
    """Whether it brought servers over a service pack, from which there is no way back."""
    return step.is_service_pack and any(
        step.to_build and end.builds[name].service_pack_level >= step.to_build.service_pack_level
        for name in step.servers
    )


def _sites_of(journal: Journal, run: str) -> list[str]:
    """The sites a way back is only about, by what was written when it began; empty for all."""
    for entry in reversed(journal.entries()):
        if entry.kind == Kind.ROLLBACK_STARTED and entry.data.get("run") == run:
            return [str(site) for site in entry.data.get("sites", [])]
    return []
