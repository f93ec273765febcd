"""Which rules a pilot has disproved: the farm itself said no, which a lost connection never is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import StepKind

if TYPE_CHECKING:
    from orchestrator.execution.run import RunReport

_REFUSED = re.compile(r"refused by version \(event (\d+)\)")
# Pages that speak of versions or of the cookie; any other error page may have any other cause.
_BROKEN = re.compile(r"\bbroken: [^\n]*(version|user context cookie)", re.IGNORECASE)


@dataclass(frozen=True)
class Disproof:
    """What a pilot has shown of the rules it was there for.

    Parameters
    ----------
    rules : tuple of str
    step : str
        The pilot.
    event : int
        Of the sources' logs; 0 if a page said it and no event.
    said : str
        In the words of the step.
    """

    rules: tuple[str, ...]
    step: str
    event: int
    said: str


def disproof(report: RunReport) -> Disproof | None:
    """What a run has disproved; None if it has not, or nobody knows.

    A failure counts only if a source logged a refusal by version, or a page spoke of one: a pilot
    that could not reach its farm has shown nothing.
    """
    stop = report.stop
    if stop is None or stop.step is None or stop.status is not StepStatus.FAILED:
        return None
    step = stop.step
    if not step.pilot or step.kind is not StepKind.VERIFY or not step.rules:
        return None
    said = "\n".join(failure.message for failure in stop.failures)
    refused, broken = _REFUSED.search(said), _BROKEN.search(said)
    if refused is None and broken is None:
        return None
    line = next((line for line in said.splitlines() if line.strip()), "")
    return Disproof(step.rules, step.id, int(refused[1]) if refused else 0, line.strip())
