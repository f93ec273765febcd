"""Whether a step has succeeded: only if everything says so."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.execution.results import RunResult, RunStatus
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Step, StepKind

CONTROL_NODE = "localhost"
"""The plays that check names and probe run here."""


@dataclass(frozen=True)
class StepVerdict:
    """How a step ended and why it is judged so; the reason is empty for success."""

    status: StepStatus
    reason: str = ""


_UNKNOWN = {
    RunStatus.CANCELLED: "it was interrupted in the middle; what it did is not known",
    RunStatus.TIMED_OUT: "it took too long and was ended; what it did is not known",
    RunStatus.NO_STATS: "ansible-playbook ended without saying what it did",
}


def judge(step: Step, result: RunResult) -> StepVerdict:
    """Judge a step by its run.

    Parameters
    ----------
    step : Step
    result : RunResult

    Returns
    -------
    StepVerdict
        In doubt wherever a task may have done more or less than was reported; succeeded only
        if nothing failed and the hosts of the run are exactly the servers of the step.
    """
    if result.status in _UNKNOWN:
        return StepVerdict(StepStatus.IN_DOUBT, _UNKNOWN[result.status])
    open_ends = [failure for failure in result.failures if failure.in_doubt]
    if open_ends:
        where = ", ".join(sorted({f'"{f.task}" on {f.host}' for f in open_ends}))
        return StepVerdict(
            StepStatus.IN_DOUBT, f"the answer of {where} was lost; it may have done its work"
        )
    if result.status is not RunStatus.SUCCESSFUL:
        hosts = sorted({failure.host for failure in result.failures})
        what = "could not be reached" if result.status is RunStatus.UNREACHABLE else "failed"
        said = f"{', '.join(hosts)} {what}" if hosts else f"ansible-playbook ended with {result.rc}"
        return StepVerdict(StepStatus.FAILED, said)
    wanted = frozenset() if step.kind is StepKind.VERIFY else frozenset(step.servers)
    ran_on = result.hosts - {CONTROL_NODE}
    if ran_on != wanted:
        missing = ", ".join(sorted(wanted - ran_on))
        extra = ", ".join(sorted(ran_on - wanted))
        parts = [f"it did not run on {missing}"] if missing else []
        parts += [f"it ran on {extra}, which is no part of it"] if extra else []
        return StepVerdict(StepStatus.FAILED, " and ".join(parts))
    return StepVerdict(StepStatus.SUCCEEDED)
