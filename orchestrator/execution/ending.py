"""The report of a run that halts: values in, a report out."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.execution.crew import Ended
from orchestrator.execution.observed import ObservedFarm
from orchestrator.execution.outcome import Commands, Halt
from orchestrator.execution.position import position
from orchestrator.execution.remains import Undoing, remains
from orchestrator.execution.results import RunStatus
from orchestrator.execution.stop import StopReport, next_steps, stop_facts
from orchestrator.execution.times import show
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Plan, Step, StepKind


def stop_report(
    plan: Plan,
    halt: Halt,
    failed: Sequence[Ended],
    *,
    done: Sequence[Step],
    begun: Sequence[Step],
    reading: tuple[ObservedFarm | None, str],
    commands: Commands,
    undoing: Undoing | None = None,
) -> StopReport:
    """Why a run halts, what the farm is like now, and what to do next.

    Parameters
    ----------
    plan : Plan
    halt : Halt
    failed : sequence of Ended
        Steps that did not succeed, in the order they ended.
    done, begun : sequence of Step
        Those that are done, and all that were begun and are not.
    reading : tuple of ObservedFarm or None, and str
        The farm as it is now; or None, and why it could not be read.
    commands : Commands
    undoing : Undoing or None
        Of a way back: what it undoes.
    """
    farm, problem = reading
    known = {step.id for step in (*done, *begun)}
    facts = stop_facts(plan, done, begun, farm, undoing.before if undoing else None)
    if undoing is not None and farm is not None and farm.complete:
        # What a step did whose end is not known is told with that step.
        open_ends = [step.id for step in begun]
        where = position(plan, [step.id for step in done], open_ends, farm.state)
        facts["unexpected"] = where.drift
    redirections = facts["redirections_on"] + facts["redirections_possible"]
    first = failed[0] if failed else None
    results = [ended.result for ended in failed if ended.result is not None]
    failures = tuple(failure for result in results for failure in result.failures)
    statuses = [ended.verdict.status for ended in failed]
    ends = {step.id: None for step in begun} | {e.step.id: e.verdict.status for e in failed}
    doubt = StepStatus.IN_DOUBT in statuses
    return StopReport(
        step=first.step if first else None,
        status=first.verdict.status if first else None,
        reason=halt.reason,
        others=tuple(
            f"step {e.step.id} is {e.verdict.status}: {e.verdict.reason}" for e in failed[1:]
        ),
        failed=tuple(ended.step for ended in failed),
        failures=failures,
        output=() if failures else tuple(line for r in results for line in r.output),
        artifacts=tuple(r.artifacts for r in results if r.artifacts is not None),
        done=tuple(step.id for step in done),
        remaining=tuple(s.id for s in plan.steps if s.id not in known),
        farm=farm,
        unread_because=problem,
        next_steps=next_steps(
            StepStatus.IN_DOUBT if doubt else first.verdict.status if first else None,
            redirections=bool(redirections),
            resume_command=commands.resume,
            rollback_command=commands.rollback,
            paused=halt.paused,
            disproved=tuple(rule for e in failed for rule in _disproved(e)),
            next_window=show(halt.next_window) if halt.next_window else "",
            way_back=undoing is not None,
        ),
        interrupted=halt.interrupted or any(r.status is RunStatus.CANCELLED for r in results),
        paused=halt.paused,
        remains=remains(plan, undoing, done=done, begun=ends, farm=farm) if undoing else None,
        **facts,
    )


def _disproved(ended: Ended) -> tuple[str, ...]:
    """The rules a failed pilot was there to show."""
    step = ended.step
    if ended.verdict.status is not StepStatus.FAILED:
        return ()
    return step.rules if step.pilot and step.kind is StepKind.VERIFY else ()
