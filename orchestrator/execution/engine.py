"""Begins a plan, or goes on with one that was cut off; everything comes from outside by ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import InvalidInput, StalePlan
from orchestrator.execution.asking import approval_of
from orchestrator.execution.diary import farm_data
from orchestrator.execution.gate import (
    require_resumable,
    require_runnable,
    require_same_windows,
    require_start,
    require_unused,
    require_windows,
)
from orchestrator.execution.looks import Baseline, Look
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.ports import Ports
from orchestrator.execution.position import Position, position
from orchestrator.execution.run import Commands, Run, RunReport
from orchestrator.execution.terms import Terms
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import Plan


@dataclass(frozen=True)
class Approval:
    """Which plan was approved, by whom, and why if not by its digest."""

    digest: str
    who: Who
    because: str = ""


def run_plan(
    plan: Plan,
    playbooks: Mapping[str, Path],
    *,
    approval: Approval,
    observed: ObservedFarm,
    journal: Journal,
    ports: Ports,
    commands: Commands,
    terms: Terms | None = None,
) -> RunReport:
    """Apply a plan: each step as soon as what it comes after is done and the terms let it.

    Parameters
    ----------
    plan : Plan
    playbooks : mapping of step id to Path
    approval : Approval
    observed : ObservedFarm
        The farm, read under the lock just now.
    journal : Journal
        Of this plan; the lock of the organisation must be held.
    ports : Ports
    commands : Commands
        Shown when the run stops.
    terms : Terms, optional
        What the run keeps to; without them one step at a time.

    Raises
    ------
    OrchestratorError
        Before anything is started: the plan cannot run, was applied already, or a server could
        not be read (`InvalidInput`).
    StalePlan
        The farm is not where the plan starts.
    RunStopped
        The journal cannot be written any more; says what is known of the step.
    """
    require_runnable(plan, playbooks)
    require_unused(journal.entries())
    require_start(plan, observed)
    terms = terms or Terms()
    require_windows(plan, (), terms.times, ports.clock.now())
    digest, who = approval.digest, approval.who
    why: dict[str, Any] = {"because": approval.because} if approval.because else {}
    if approval_of(journal, digest) is None:
        journal.append(Kind.PLAN_APPROVED, digest=digest, by=who.by, host=who.host, **why)
    journal.append(Kind.STATE_READ, **farm_data(observed))
    names = [step.id for step in plan.steps]
    journal.append(
        Kind.RUN_STARTED, digest=digest, steps=names, who=who.data(), **_terms_data(terms)
    )
    return Run(plan, playbooks, journal, ports, commands, terms).go()


def resume_plan(
    plan: Plan,
    playbooks: Mapping[str, Path],
    *,
    approval: Approval,
    observed: ObservedFarm,
    journal: Journal,
    ports: Ports,
    commands: Commands,
    on_position: Callable[[Position], None],
    terms: Terms | None = None,
) -> RunReport:
    """Go on with a plan at its first unfinished step.

    No process of the interrupted run may live any more (`orchestrator.execution.leftovers`). A
    step that was begun is run again, whatever its servers are like, as its playbook repeats no
    change and probes the paths; what they are like is written down first.

    Parameters
    ----------
    plan, playbooks, observed, journal, ports, commands, terms
        As for `run_plan`.
    approval : Approval
        The digest of the folder now, which must be the approved one, and who resumes.
    on_position : callable
        Told where the plan stands before anything is done.

    Raises
    ------
    OrchestratorError
        If there is nothing to resume, or a server could not be read (`InvalidInput`).
    StalePlan
        If the farm moved: names every difference that the steps so far do not explain.
    RunStopped
        As for `run_plan`.
    """
    require_runnable(plan, playbooks)
    run = view(journal.entries())
    require_resumable(run, approval.digest)
    terms = terms or Terms()
    require_same_windows(run, terms.times)
    for name, step in run.steps.items():
        if step.status is StepStatus.STARTED:
            reason = "the program died before the end of the step was written"
            journal.append(Kind.STEP_IN_DOUBT, name, attempt=step.attempt, reason=reason)
    journal.append(Kind.STATE_READ, **farm_data(observed))
    if not observed.complete:
        raise InvalidInput(observed.problems)
    done = [name for name in run.steps if run.status(name).done]
    before = terms.undoing.before if terms.undoing else None
    where = position(plan, done, run.unfinished, observed.state, before)
    if where.drift:
        journal.append(
            Kind.DRIFT_FOUND, differences=list(where.drift), redirections=list(where.redirections)
        )
        raise _drifted(where, commands)
    for begun in where.begun:
        attempt = run.steps[begun.step.id].attempt
        journal.append(
            Kind.STEP_READ,
            begun.step.id,
            attempt=attempt,
            reading=str(begun.reading),
            servers=dict(begun.servers),
        )
    require_windows(plan, done, terms.times, ports.clock.now())
    journal.append(
        Kind.RUN_RESUMED, who=approval.who.data(), digest=approval.digest, **_terms_data(terms)
    )
    on_position(where)
    attempts = {name: step.attempt for name, step in run.steps.items()}
    return Run(
        plan,
        playbooks,
        journal,
        ports,
        commands,
        terms,
        done=done,
        begun=run.unfinished,
        attempts=attempts,
        baseline=_baseline(journal),
    ).go()


def _terms_data(terms: Terms) -> dict[str, Any]:
    source = terms.times.source if terms.times is not None else ""
    data: dict[str, Any] = {"max_parallel": terms.max_parallel, "windows": source}
    if terms.gates is not None:
        data["policy"] = terms.gates.thresholds.data()
    return data


def _baseline(journal: Journal) -> Baseline | None:
    """What was seen before the first change; None if nothing was changed and nobody looked."""
    entries = journal.entries()
    for entry in entries:
        if entry.kind == Kind.BASELINE_PROBED:
            return Baseline.of(Look.from_data(each) for each in entry.data.get("paths", []))
    changed = any(entry.kind == Kind.STEP_STARTED for entry in entries)
    return Baseline() if changed else None


def _drifted(where: Position, commands: Commands) -> StalePlan:
    lines = ["the farm is not where this plan was left:", *(f"  {d}" for d in where.drift)]
    if where.redirections:
        lines += ["Redirections that are on and were not before the plan:"]
        lines += [f"  {line}" for line in where.redirections]
    back = f"; or go back: {commands.rollback}" if commands.rollback else ""
    return StalePlan(
        "\n".join(lines),
        "nothing was changed. Find out who changed it. If it is put back, resume again; if it "
        f"stays, make a new plan from the farm as it is now{back}",
    )
