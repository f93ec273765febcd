"""Plans that must not start, and step verdicts that no small playbook can bring about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.execution.gate import compare, require_runnable
from orchestrator.execution.results import HostStats, RunResult, RunStatus
from orchestrator.execution.verdict import judge
from orchestrator.journal.steps import StepStatus
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.state import State
from orchestrator.model.topology import PoolId, Protocol

STEP = Step("a", StepKind.UPGRADE, PoolId("rome", "2010"), ("cas-01",), (), (), 5, "")
EMPTY = State({}, {})


def plan(*steps: Step) -> Plan:
    return Plan(steps, EMPTY, EMPTY)


def test_order_names_and_playbooks_are_checked_before_anything_runs(tmp_path: Path) -> None:
    book = tmp_path / "a.yml"
    book.write_text("[]")
    later = replace(STEP, id="b", after=("a",))
    books = {"a": book, "b": book, "../x": book}
    require_runnable(plan(STEP, later), books)
    with pytest.raises(OrchestratorError, match="step b stands before a"):
        require_runnable(plan(later, STEP), books)
    with pytest.raises(OrchestratorError, match="two steps are called a"):
        require_runnable(plan(STEP, STEP), books)
    with pytest.raises(OrchestratorError, match="step b has no playbook"):
        require_runnable(plan(STEP, later), {"a": book})
    with pytest.raises(OrchestratorError, match=r"step a has no playbook .*gone.yml"):
        require_runnable(plan(STEP), {"a": tmp_path / "gone.yml"})
    with pytest.raises(OrchestratorError, match="a name no file can have"):
        require_runnable(plan(replace(STEP, id="../x")), books)


def test_only_what_can_be_read_is_compared() -> None:
    build = Build.parse("14.2.247.5")
    expected = State({"x": build}, {("x", Protocol.ECP): "https://e", ("x", Protocol.OWA): "u"})
    assert compare(expected, State({"x": build}, {("x", Protocol.OWA): "u"})) == []
    assert len(compare(expected, State({"x": build}, {}))) == 1


@pytest.mark.parametrize(
    ("hosts", "kind", "status"),
    [
        ({"cas-01", "localhost"}, StepKind.UPGRADE, StepStatus.SUCCEEDED),
        ({"cas-01"}, StepKind.UPGRADE, StepStatus.SUCCEEDED),
        ({"localhost"}, StepKind.UPGRADE, StepStatus.FAILED),
        ({"cas-01", "cas-02"}, StepKind.UPGRADE, StepStatus.FAILED),
        ({"localhost"}, StepKind.VERIFY, StepStatus.SUCCEEDED),
        ({"cas-01", "localhost"}, StepKind.VERIFY, StepStatus.FAILED),
    ],
)
def test_the_hosts_must_be_exactly_those_of_the_step(
    hosts: set[str], kind: StepKind, status: StepStatus
) -> None:
    result = RunResult(RunStatus.SUCCESSFUL, 0, stats={host: HostStats(ok=1) for host in hosts})
    assert judge(replace(STEP, kind=kind), result).status is status


def test_a_run_that_failed_without_saying_where_is_no_success() -> None:
    result = RunResult(RunStatus.FAILED, 250, stats={"cas-01": HostStats(ok=1)})
    verdict = judge(STEP, result)
    assert verdict.status is StepStatus.FAILED
    assert "250" in verdict.reason
