"""From every state a run can be left in, the goal and the start can both be planned for again.

A run is left after each step; with any single step failing, what comes after it withheld and all
else done; and with that step half done. Organisations are drawn as for the exhaustive search.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cases import case_files, load_case
from support.chance import Case, cheapest, organization

from orchestrator.checker import check
from orchestrator.errors import OrchestratorError
from orchestrator.model.plan import Plan, Step, not_beyond, within_reach
from orchestrator.model.state import State
from orchestrator.model.topology import Topology
from orchestrator.planner import last_sound_state, make_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue


def states_left(plan: Plan) -> Iterator[tuple[str, State]]:
    """Every state a run of the plan can be left in, with how it came about."""
    done: set[str] = set()
    for step in plan.steps:
        done.add(step.id)
        yield f"after {step.id}", state_of(plan, done)
    for failing in plan.steps:
        withheld = {failing.id}
        for step in plan.steps:
            if withheld & {*step.after}:
                withheld.add(step.id)
        done = {step.id for step in plan.steps} - withheld
        yield f"{failing.id} failed", state_of(plan, done)
        if len(failing.servers) > 1:
            yield f"{failing.id} half done", half(failing).apply(state_of(plan, done))


def state_of(plan: Plan, done: Collection[str]) -> State:
    state = plan.start
    for step in plan.steps:
        if step.id in done:
            state = step.apply(state)
    return state


def half(step: Step) -> Step:
    servers = step.servers[: len(step.servers) // 2]
    urls = {name: url for name, url in step.new_urls.items() if name in servers}
    return dataclasses.replace(step, servers=servers, new_urls=urls)


def assert_way_exists(
    topology: Topology, book: RuleBook, now: State, target: State, told: str
) -> None:
    try:
        plan = make_plan(topology, now, target, book, catalogue(), pilot=False)
    except OrchestratorError as error:
        # A removal may show what no order hides; then the search finds no way, either.
        removal = any(target.builds[name] < build for name, build in now.builds.items())
        books = (book, book.without_remedies())[: 1 if now.version_folders else 2]
        if not removal or any(
            cheapest(Case(topology, now, target, each)) is not None for each in books
        ):
            pytest.fail(f"{told}: {error.message}")
        return
    assert check(topology, plan, book).violations == (), told
    assert plan.end == target, told


def assert_replannable(topology: Topology, plan: Plan, book: RuleBook) -> None:
    states = [plan.start]
    for step in plan.steps:
        states.append(step.apply(states[-1]))
    for told, state in states_left(plan):
        assert_way_exists(topology, book, state, plan.end, f"{told}, on to the goal")
        # What was repaired is never broken again, no service pack is removed and no server goes on.
        behind = [
            not_beyond(
                plan.start,
                plan.steps,
                within_reach(plan.start, plan.steps, past, state),
                state,
            )
            for past in states
        ]
        back = last_sound_state(topology, behind, state, book, frozenset())
        for name, build in plan.start.builds.items():
            assert state.builds[name] != build or back.builds[name] == build, f"{told}: {name}"
        assert_way_exists(topology, book, state, back, f"{told}, back")


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_every_case_can_be_planned_again_from_wherever_it_is_left(path: Path) -> None:
    case = load_case(path)
    try:
        plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    except OrchestratorError:
        return  # test_cases sees to it that this is what the case expects
    assert_replannable(case.topology, plan, case.book)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False).map(organization))
def test_random_organisations_can_be_planned_again(case: Case) -> None:
    try:
        plan = make_plan(case.topology, case.start, case.end, case.book, catalogue(), pilot=False)
    except OrchestratorError:
        return
    assert_replannable(case.topology, plan, case.book)
