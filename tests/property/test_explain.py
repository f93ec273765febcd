"""Explanations of random plans hold against the independent checker."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.chance import Case, organization
from support.explained import assert_explained

from orchestrator.errors import OrchestratorError
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False).map(organization))
def test_every_demand_is_explained_rightly(case: Case) -> None:
    try:
        plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    except OrchestratorError:
        return
    assert_explained(case.topology, plan, case.book)
