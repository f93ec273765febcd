"""The bound for any choice of redirected pools against proven optima of the whole problem.

The naive model of the benchmarks is the oracle: one CP-SAT model of labels, order and times.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator

import pytest
from benchmarks.families import small
from benchmarks.whole import whole
from support.chance import Case, organization

from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import StepKind
from orchestrator.model.topology import Topology
from orchestrator.planner import make_plan
from orchestrator.planner.alternatives import Labels
from orchestrator.planner.decisions import Decisions
from orchestrator.planner.unhindered import unhindered
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

CHARGE = 1_000 * 60
QUICK = (1, 2, 8, 9, 11, 13, 16, 20)
"""Farms the oracle solves in less than half a second each."""


@pytest.fixture
def only_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """No core goes to CP-SAT, which would prove its own; one plan, so that no search ends."""
    monkeypatch.setattr("orchestrator.planner.core.MOST_STEPS", 0)
    monkeypatch.setattr("orchestrator.planner.make.MOST_STEPS", 0)
    monkeypatch.setattr("orchestrator.planner.improve.EFFORT", 0.0)
    monkeypatch.setattr("orchestrator.planner.alternatives.MOST_LOOKED_AT", 0)
    monkeypatch.setattr("orchestrator.planner.make.MOST_LABELS", 0)


@pytest.mark.usefixtures("only_the_bound")
@pytest.mark.parametrize("seed", QUICK)
def test_no_plan_costs_less_than_the_bound(seed: int) -> None:
    farm, timing = small(seed)
    naive = whole(farm, timing, CHARGE)
    assert naive.proven
    plan = make_plan(
        farm.topology, farm.start, farm.end, farm.book, catalogue(), pilot=False, timing=timing
    )
    assert plan.schedule is not None
    switches = sum(step.kind.changes_urls for step in plan.steps)
    (words,) = [text for text in plan.remarks if text.startswith("redirection:")]
    total = switches * CHARGE + plan.schedule.user_minutes
    assert bound(words, total) <= naive.cost + 3  # hours are said to one tenth


@pytest.mark.parametrize("seed", QUICK)
def test_with_all_they_enclose_the_bound_is_what_the_whole_problem_costs(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the planner proves it without CP-SAT but where list scheduling misses the timetable."""
    farm, timing = small(seed)
    naive = whole(farm, timing, CHARGE)
    bounds: list[int] = []

    class Kept(Decisions):
        def sets(self) -> Iterator[tuple[int, Labels | None]]:
            for least, labels in super().sets():
                bounds.append(least)
                yield least, labels

    monkeypatch.setattr("orchestrator.planner.make.Decisions", Kept)
    monkeypatch.setattr("orchestrator.planner.core.library", lambda: None)
    plan = make_plan(
        farm.topology, farm.start, farm.end, farm.book, catalogue(), pilot=False, timing=timing
    )
    assert bounds[0] == naive.cost
    (words,) = [text for text in plan.remarks if text.startswith("redirection:")]
    assert "proven minimal" in words


PER_BLOCK = 80


def bound(words: str, total: int) -> float:
    """The bound as the plan says it, in user-minutes."""
    said = re.search(r"at least ([0-9,.]+)\)", words)
    assert said or "proven minimal" in words, words
    return float(said[1].replace(",", "")) * 60 if said else total


@pytest.mark.parametrize("block", range(2))
def test_without_windows_no_set_of_labels_beats_the_bound(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle tries every set of labels that leaves no cycle (tests/property/test_choice.py)."""
    tight = compared = 0
    for seed in range(block * PER_BLOCK, (block + 1) * PER_BLOCK):
        rng = random.Random(f"least {seed}")
        case = organization(rng)
        minutes = {
            name: dataclasses.replace(server, minutes=rng.choice([10, 60, 600]))
            for name, server in case.topology.servers.items()
        }
        topology = dataclasses.replace(case.topology, servers=minutes, replication_minutes=20)
        charge = rng.choice([0, 1, 1_000])
        policy = dataclasses.replace(case.book.policy, switch_user_hours=charge)
        book = RuleBook(case.book.rules, policy)

        def costs_and_words(
            topology: Topology = topology,
            case: Case = case,
            book: RuleBook = book,
            charge: int = charge,
        ) -> tuple[int, str]:
            plan = make_plan(topology, case.start, case.end, book, catalogue())
            opened = sum(step.kind is StepKind.ENABLE_REDIRECTION for step in plan.steps)
            (words,) = [w for w in plan.remarks if w.startswith("redirection:")] or [""]
            return unhindered(topology, plan)[0] + 2 * opened * charge * 60, words

        try:
            best, words = costs_and_words()
        except NoSafePlan:
            continue
        if not words:
            continue
        with monkeypatch.context() as patch:
            patch.setattr("orchestrator.planner.make.MOST_LABELS", 0)
            total, words = costs_and_words()
        assert bound(words, total) <= best + 3, seed
        compared += 1
        tight += bound(words, total) >= best - 3
    assert compared > PER_BLOCK / 10
    assert tight
