"""What the explanation says of an order holds against the independent checker, for every case."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import FOLDER, Case, case_files, load_case, pool_id
from support.explained import assert_explained, explainer_of

from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import Plan, StepKind
from orchestrator.planner import make_plan
from orchestrator.planner.explain import Explainer, without_step
from orchestrator.planner.explanation import Ground
from orchestrator.shipped import catalogue


def planned(case: Case) -> Plan | None:
    try:
        return make_plan(case.topology, case.start, case.end, case.book, catalogue())
    except OrchestratorError:
        return None


def explainer(case: Case, plan: Plan) -> Explainer:
    return explainer_of(case.topology, plan, case.book)


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_every_demand_is_explained_rightly(path: Path) -> None:
    case = load_case(path)
    plan = planned(case)
    if plan is None:
        return
    assert_explained(case.topology, plan, case.book)


def test_the_first_state_that_breaks_without_a_demand() -> None:
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    plan = planned(case)
    assert plan is not None
    enable = next(s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION)
    rome = next(s for s in plan.steps if s.pool == pool_id("rome/2010") and s.servers)
    link = next(a for a in explainer(case, plan).step(rome).waits_for if a.first == enable.id)
    assert link.ground is Ground.RULE
    assert [str(g.path) for g in link.guards] == ["rome/2010 -> madrid/2010 (owa)"]
    assert link.consequence is not None
    assert link.consequence.steps == (rome.id,)
    judgement = link.consequence.judgement
    assert judgement is not None
    assert judgement.path.users == 90
    assert judgement.worst.rule.id == "owa-cookie-ru2-to-older-2010"


def test_what_would_happen_without_a_step() -> None:
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    plan = planned(case)
    assert plan is not None
    enable = next(s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION)
    left = without_step(plan, enable)
    # its restore would put back what was never changed
    assert not any(s.kind.changes_urls for s in left.steps)
    consequence = explainer(case, plan).step(enable).without
    assert consequence is not None
    assert consequence.judgement is not None
    assert str(consequence.judgement.path) == "rome/2010 -> madrid/2010 (owa)"


def test_a_path_from_start_to_end() -> None:
    case = load_case(FOLDER / "02-seed-incident.yml")
    plan = planned(case)
    assert plan is not None
    path = next(p for p in case.topology.paths if p.source == pool_id("paris/2010"))
    found = explainer(case, plan).path(path)
    assert found.at_start.worst.blocks
    assert not found.after[-1][1].worst.blocks
    touching = [s for s in plan.steps if s.pool in path[:2] and s.kind.changes_build]
    assert [step for step, _ in found.after] == touching


def test_a_pool_with_demands_in_and_out() -> None:
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    plan = planned(case)
    assert plan is not None
    madrid = pool_id("madrid/2010")
    found = explainer(case, plan).pool(madrid)
    assert {step.pool for step in found.steps} == {madrid}
    assert {guard.first for guard in found.inward} == {"upgrade-rome-2010-1"}
    assert {guard.then for guard in found.outward} == {"upgrade-rome-2010-1"}
    assert {guard.first for guard in found.outward} == {"enable-redirection-madrid-2010-owa"}
