"""Every file of tests/cases, planned and checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import Case, case_files, load_case, pool_id

from orchestrator.checker import check, check_timed
from orchestrator.errors import OrchestratorError
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.topology import Label, PoolId, Protocol
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue


def _plan(case: Case) -> Plan:
    return make_plan(
        case.topology, case.start, case.end, case.book, catalogue(), timing=case.timing
    )


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = load_case(path)
    expect = case.expect
    if expect["exit"]:
        with pytest.raises(OrchestratorError) as refused:
            _plan(case)
        said = f"{refused.value.message}\n{refused.value.remedy}"
        assert refused.value.exit_code == expect["exit"]
        assert [text for text in expect["says"] if text not in said] == []
        assert [text for text in expect.get("never", []) if text in said] == []
        return
    plan = _plan(case)
    assert check(case.topology, plan, case.book).violations == ()
    assert check_timed(case.topology, plan, case.book).violations == ()
    _assert_order(plan, expect.get("order", []))
    _assert_times(plan, expect.get("times", {}))
    redirected = [s.pool for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION]
    assert redirected == [pool_id(name) for name in expect["redirected"]]
    users = sum(case.topology.users_of(Label(pool, Protocol.OWA)) for pool in redirected)
    assert users == expect["users"]
    if "restored" in expect:
        restored = [s.pool for s in plan.steps if s.kind is StepKind.RESTORE_PROXYING]
        assert restored == [pool_id(name) for name in expect["restored"]]
    if "pilot" in expect:
        pilots = [s.pool for s in plan.steps if s.pilot and s.kind.changes_build]
        assert pilots == ([pool_id(expect["pilot"])] if expect["pilot"] else [])
    for text in expect.get("remarks", []):
        assert any(text in remark for remark in plan.remarks)
    if "irreversible" in expect:
        assert sum(not step.reversible for step in plan.steps) == expect["irreversible"]
    for name, builds in expect.get("builds", {}).items():
        assert _builds(plan, name) == [catalogue().read(build) for build in builds]
    for first, then in expect.get("before", []):
        assert max(_positions(plan, first)) < min(_positions(plan, then)), f"{first} before {then}"
    for name, chain in expect.get("batches", {}).items():
        assert _batches(plan, name) == [{f"{name.replace('/', '-')}-{n}" for n in b} for b in chain]
    if "copies" in expect:
        assert _copies(plan) == [
            (pool_id(row["to"]), catalogue().read(row["folder"]), tuple(row["from"]))
            for row in expect["copies"]
        ]
    if "steps" in expect:
        assert len(plan.steps) == expect["steps"]


def _copies(plan: Plan) -> list[tuple[PoolId, Build | None, tuple[str, ...]]]:
    """Version folders that are copied: to which pool, of which build, from whom; sorted."""
    return sorted((s.pool, s.folder, s.origins) for s in plan.steps if s.kind.copies_folder)


def _builds(plan: Plan, pool: str) -> list[Build]:
    """Builds the steps of a pool lead to, each once, in their order."""
    steps = [step for step in plan.steps if step.kind.changes_build and step.pool == pool_id(pool)]
    return list(dict.fromkeys(step.to_build for step in steps if step.to_build))


def _assert_times(plan: Plan, expected: dict[str, list[str]]) -> None:
    """When the steps of a pool begin; of `on POOL` and `off POOL`, its switches."""
    kinds = {"on": StepKind.ENABLE_REDIRECTION, "off": StepKind.RESTORE_PROXYING}
    begin = {row.step: row.start for row in plan.schedule.steps} if plan.schedule else {}
    for text, moments in expected.items():
        what, _, name = text.rpartition(" ")
        found = [
            f"{begin[step.id]:%Y-%m-%dT%H:%MZ}"
            for step in plan.steps
            if step.pool == pool_id(name)
            and (step.kind is kinds[what] if what else step.kind.changes_build)
        ]
        assert found == moments, text


def _batches(plan: Plan, pool: str) -> list[set[str]]:
    steps = [step for step in plan.steps if step.kind.changes_build and step.pool == pool_id(pool)]
    return [{*step.servers} for step in steps]


def _positions(plan: Plan, text: str) -> list[int]:
    """Positions of the steps of ``rome/2010 2010 SP2 RU2``."""
    pool, _, build = text.partition(" ")
    goal = catalogue().read(build)
    return [n for n, s in enumerate(plan.steps) if s.pool == pool_id(pool) and s.to_build == goal]


def _assert_order(plan: Plan, pairs: list[list[str]]) -> None:
    changing = [step.pool for step in plan.steps if step.kind.changes_build]
    for first, then in pairs:
        last = max(n for n, pool in enumerate(changing) if pool == pool_id(first))
        assert last < changing.index(pool_id(then)), f"{first} before {then}"
