"""Planner and checker against a search over every state of small random organisations.

The search (`support.chance`) knows neither planner nor checker: it walks single actions and
remembers which pairs have worked, because none may stop. 2,000 organisations are drawn from fixed
seeds, ORGANIZATIONS=n draws as many (`make test-full`: 100,000); Hypothesis looks for others.
"""

from __future__ import annotations

import dataclasses
import os
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.chance import Case, blocked_pairs, cheapest, organization

from orchestrator.checker import check
from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import StepKind
from orchestrator.model.topology import Protocol
from orchestrator.planner import make_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

BLOCKS = 10
PER_BLOCK = int(os.environ.get("ORGANIZATIONS", "2000")) // BLOCKS


def cases() -> st.SearchStrategy[Case]:
    """Organisations whose every choice Hypothesis makes, and can make smaller."""
    return st.randoms(use_true_random=False).map(organization)


def assert_as_the_search(case: Case) -> int | None:
    """Labels redirected; None where neither finds a way.

    A switch counts more than any hours here, since the search knows no time.
    """
    best = cheapest(case, lambda label: 1)
    bare = dataclasses.replace(case, book=case.book.without_remedies())
    policy = dataclasses.replace(case.book.policy, switch_user_hours=1_000_000)
    book = RuleBook(case.book.rules, policy)
    try:
        plan = make_plan(case.topology, case.start, case.end, book, catalogue())
    except NoSafePlan:
        assert best is None
        assert not case.book.has_remedies or cheapest(bare) is None
        return None
    assert check(case.topology, plan, case.book).violations == ()
    changed = Counter(name for s in plan.steps if s.kind.changes_build for name in s.servers)
    if max(changed.values(), default=0) > 1:
        # Builds in between are for where there is no other way; the search knows none of them.
        assert best is None
        return None
    if best is None and case.book.has_remedies:
        # Repairing by folders what is broken today may leave no order that keeps it working.
        best = cheapest(bare, lambda label: 1)
    redirected = sum(step.kind is StepKind.ENABLE_REDIRECTION for step in plan.steps)
    assert redirected == best
    return redirected


@pytest.mark.parametrize("block", range(BLOCKS))
def test_plan_exists_exactly_when_the_search_finds_a_way_and_costs_the_same(block: int) -> None:
    found = []
    for seed in range(block * PER_BLOCK, (block + 1) * PER_BLOCK):
        try:
            found.append(assert_as_the_search(organization(random.Random(seed))))
        except AssertionError as error:
            raise AssertionError(f"organisation of seed {seed}") from error
    # Easy questions prove little: enough of them must need redirections, or have no answer.
    assert sum(bool(labels) for labels in found) > PER_BLOCK / 5
    assert sum((labels or 0) > 1 for labels in found) > PER_BLOCK / 20
    assert found.count(None) > PER_BLOCK / 10


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_so_it_is_for_organisations_hypothesis_chooses(case: Case) -> None:
    assert_as_the_search(case)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.randoms(use_true_random=False))
def test_any_order_that_respects_after_breaks_nothing(case: Case, chance: random.Random) -> None:
    try:
        plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    except NoSafePlan:
        return
    every = {
        (s, t, path.protocol)
        for path in case.topology.paths
        for s in case.topology.pools[path.source].servers
        for t in case.topology.pools[path.target].servers
    }
    state, worked = case.start, set[tuple[str, str, Protocol]]()
    left, done = list(plan.steps), set[str]()
    while True:
        bad = blocked_pairs(case, state)
        assert not bad & worked, f"after {sorted(done)}"
        worked |= every - bad
        ready = [step for step in left if done >= {*step.after}]
        if not ready:
            break
        step = chance.choice(ready)
        left.remove(step)
        done.add(step.id)
        state = step.apply(state)
    assert not left
    assert state == case.end
