"""Conflict cores with their calendar: CP-SAT mends what heuristics miss, and is not needed."""

from __future__ import annotations

import sys

import pytest
from benchmarks.families import Farm, small
from benchmarks.whole import whole

from orchestrator.checker import check, check_timed
from orchestrator.model.plan import Plan, StepKind
from orchestrator.planner import core, make_plan
from orchestrator.shipped import catalogue

CHARGE = 1_000 * 60
MENDED = 5
"""A farm on which the sets of labels tried and the list scheduling miss the optimum."""


def planned(seed: int) -> tuple[Farm, Plan]:
    farm, timing = small(seed)
    plan = make_plan(
        farm.topology,
        farm.start,
        farm.end,
        farm.book,
        catalogue(),
        pilot=False,
        timing=timing,
    )
    assert check(farm.topology, plan, farm.book).safe
    assert check_timed(farm.topology, plan, farm.book).safe
    return farm, plan


def cost(plan: Plan) -> int:
    """Counted from the steps and their times."""
    assert plan.schedule is not None
    times = {timed.step: timed for timed in plan.schedule.steps}
    opened = [step for step in plan.steps if step.kind is StepKind.ENABLE_REDIRECTION]
    assert len(opened) * 2 == sum(step.kind.changes_urls for step in plan.steps)
    assert all(step.id in times for step in opened)
    return 2 * CHARGE * len(opened) + plan.schedule.user_minutes


def test_the_core_is_solved_as_a_whole_and_its_optimum_is_what_the_naive_model_finds() -> None:
    farm, plan = planned(MENDED)
    naive = whole(farm, small(MENDED)[1], CHARGE)
    assert naive.proven
    assert cost(plan) == naive.cost
    assert "proven minimal" in plan.remarks[0]


def test_without_the_library_the_plan_is_safe_dearer_and_claims_no_more_than_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, best = planned(MENDED)
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    _, plan = planned(MENDED)
    assert cost(plan) > cost(best)
    assert "above the minimum" in plan.remarks[0]


def test_a_larger_core_is_left_to_the_heuristics(monkeypatch: pytest.MonkeyPatch) -> None:
    _, best = planned(MENDED)
    monkeypatch.setattr(core, "MOST_STEPS", 3)
    _, plan = planned(MENDED)
    assert cost(plan) > cost(best)


@pytest.mark.parametrize("seed", [2, MENDED, 8])
def test_the_same_question_has_the_same_answer(seed: int) -> None:
    assert planned(seed) == planned(seed)


def test_what_lies_on_no_cycle_is_let_go_with_the_demands_it_could_lift() -> None:
    seen: list[core.Core] = []

    def keep(question: core.Core, known: Plan, sets: object) -> None:
        del known, sets
        seen.append(question)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestrator.planner.choice.solve", keep)
        planned(MENDED)
    (whole_core,) = seen
    labels = sorted(whole_core.brackets)
    some = [arc for arc in whole_core.arcs if arc.label == labels[0]]
    part = whole_core.within(some)
    assert {*part.brackets} == {labels[0]}
    assert all(arc.label == labels[0] for arc in part.arcs)
    assert part.size < whole_core.size


def test_a_large_core_is_improved_piece_by_piece_the_same_way_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes of it is checked like any plan, and what was found is what the steps cost."""
    monkeypatch.setattr(core, "MOST_STEPS", 3)
    monkeypatch.setattr("orchestrator.planner.make.MOST_STEPS", 3)
    monkeypatch.setattr("orchestrator.planner.make.MOST_LABELS", 0)  # one set of labels only
    monkeypatch.setattr("orchestrator.planner.improve.EFFORT", 0.0)
    _, before = planned(MENDED)
    monkeypatch.setattr("orchestrator.planner.improve.EFFORT", 0.5)
    monkeypatch.setattr("orchestrator.planner.improve.MOST_AT_ONCE", 0)
    farm, after = planned(MENDED)
    assert cost(after) < cost(before)
    assert cost(after) >= whole(farm, small(MENDED)[1], CHARGE).cost
    assert planned(MENDED) == (farm, after)
