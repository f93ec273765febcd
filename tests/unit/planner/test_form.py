"""What a bound is about: plans of one form. Outside of it there are safe plans that cost less."""

from __future__ import annotations

import dataclasses

from support.cases import FOLDER, Case, load_case, pool_id

from orchestrator.checker import check
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.topology import Topology
from orchestrator.planner import make_plan
from orchestrator.planner.price import FORM
from orchestrator.planner.unhindered import unhindered
from orchestrator.shipped import catalogue

SERVICE_PACK_INSIDE = "140-redirection-around-a-service-pack.yml"
OR_A_STOP = "141-redirected-where-a-stop-would-do.yml"


def planned(case: Case, topology: Topology | None = None) -> Plan:
    return make_plan(topology or case.topology, case.start, case.end, case.book, catalogue())


def bound(plan: Plan) -> str:
    (words,) = [text for text in plan.remarks if text.startswith("redirection:")]
    return words


def with_after(plan: Plan, after: dict[str, tuple[str, ...]]) -> Plan:
    """The plan with other demands on some steps, in an order that keeps them."""
    left = [dataclasses.replace(s, after=after.get(s.id, s.after)) for s in plan.steps]
    steps: list[Step] = []
    while left:
        ready = next(s for s in left if {*s.after} <= {step.id for step in steps})
        left.remove(ready)
        steps.append(ready)
    return dataclasses.replace(plan, steps=tuple(steps))


def test_a_redirection_need_not_enclose_a_service_pack_of_its_pool() -> None:
    """Rome may go to SP2 before anything is redirected: the redirection is on for less."""
    case = load_case(FOLDER / SERVICE_PACK_INSIDE)
    plan = planned(case)
    (on,) = [s.id for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION]
    own = [s.id for s in plan.steps if s.kind.changes_build and s.pool == pool_id("rome/2010")]
    pilot = next(s.id for s in plan.steps if s.pilot and s.kind is StepKind.VERIFY)
    other = with_after(plan, {own[0]: (pilot,), on: (own[0],)})
    assert check(case.topology, other, case.book).violations == ()
    assert unhindered(case.topology, other)[0] < unhindered(case.topology, plan)[0]
    assert bound(plan).endswith(FORM)


def test_a_stop_nobody_asked_for_may_need_no_redirection_at_all() -> None:
    case = load_case(FOLDER / OR_A_STOP)
    plan = planned(case)
    pools = {k: dataclasses.replace(p, redirect_url="") for k, p in case.topology.pools.items()}
    other = planned(case, dataclasses.replace(case.topology, pools=pools))
    assert check(case.topology, other, case.book).violations == ()
    assert not any(step.kind.changes_urls for step in other.steps)
    assert bound(plan).endswith(FORM)
