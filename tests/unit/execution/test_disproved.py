"""A pilot disproves a rule only if the farm itself said no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.execution.disproved import disproof
from orchestrator.execution.results import TaskFailure
from orchestrator.execution.run import RunReport
from orchestrator.execution.stop import StopReport
from orchestrator.journal.steps import StepStatus
from orchestrator.model.plan import Step, StepKind
from orchestrator.model.topology import PoolId, Protocol

REFUSED = "pilot step p: 1 of 4 probes not as expected, rom refused by version (event 46)."
BROKEN = (
    "pilot step p: 1 of 1 probes not as expected.\nrom to mad: proxied 1, broken: older version"
)
SICK = "pilot step p: 1 of 1 probes not as expected.\nrom to mad: broken: HTTP 500"
AWAY = "pilot step p: 1 of 1 probes not as expected.\nrom to mad as x: 3 of 3 tries unavailable"


def _report(said: str, status: StepStatus = StepStatus.FAILED, **step: object) -> RunReport:
    pilot = Step(
        id="p",
        kind=StepKind.VERIFY,
        pool=PoolId("rome", "2010"),
        servers=(),
        protocols=(Protocol.OWA,),
        after=(),
        estimated_minutes=1,
        reason="",
        rules=("older",),
        pilot=True,
    )
    stop = StopReport(
        step=replace(pilot, **step),  # type: ignore[arg-type]
        status=status,
        reason="",
        others=(),
        failures=(TaskFailure("localhost", "t", said),),
        output=(),
        artifacts=(),
        done=(),
        remaining=(),
        farm=None,
        unread_because="",
        changed=(),
        unexpected=(),
        redirections_on=(),
        redirections_possible=(),
        next_steps=(),
    )
    return RunReport((), 0.0, None, stop)


@pytest.mark.parametrize(("said", "event"), [(REFUSED, 46), (BROKEN, 0)])
def test_a_refusal_and_a_broken_page_disprove(said: str, event: int) -> None:
    shown = disproof(_report(said))
    assert shown is not None
    assert (shown.rules, shown.event) == (("older",), event)


def test_a_pilot_that_reached_nobody_has_shown_nothing() -> None:
    assert disproof(_report(AWAY)) is None
    assert disproof(_report(SICK)) is None
    assert disproof(_report(REFUSED, StepStatus.IN_DOUBT)) is None
    assert disproof(_report(REFUSED, pilot=False)) is None
    assert disproof(RunReport((), 0.0, None, None)) is None
