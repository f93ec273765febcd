"""Deliberate faults of plans with stops: the checker catches every one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import pytest
from support.cases import FOLDER, Case, load_case

from orchestrator.checker import check
from orchestrator.model.plan import Plan, Step
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue


def planned(name: str) -> tuple[Case, Plan]:
    (path,) = FOLDER.glob(f"{name}-*.yml")
    case = load_case(path)
    return case, make_plan(case.topology, case.start, case.end, case.book, catalogue())


def relinked(plan: Plan, steps: Iterable[Step]) -> Plan:
    """A plan of some of its steps in the same order: each after all that came before it."""
    kept = list(steps)
    left = {step.id for step in kept}
    before: dict[str, set[str]] = {}
    for step in plan.steps:
        before[step.id] = {*step.after}.union(*(before[name] for name in step.after))
    return dataclasses.replace(
        plan,
        steps=tuple(
            dataclasses.replace(step, after=tuple(sorted(before[step.id] & left))) for step in kept
        ),
    )


def stop_omitted(plan: Plan) -> Plan:
    """The first pool with a stop goes past it at once."""
    chains: dict[tuple[str, ...], list[Step]] = {}
    for step in plan.steps:
        if step.kind.changes_build:
            chains.setdefault(step.servers, []).append(step)
    first, *_, last = next(chain for chain in chains.values() if len(chain) > 1)
    merged = dataclasses.replace(first, to_build=last.to_build)
    steps = [merged if s is first else s for s in plan.steps if s is not last]
    return relinked(plan, steps)


def stop_too_late(plan: Plan) -> Plan:
    """What waits for a stop waits no longer."""
    chained = [s for s in plan.steps if s.kind.changes_build]
    first = next(s for s in chained if sum(o.servers == s.servers for o in chained) > 1)
    waiting = next(s for s in chained if first.id in s.after and s.servers != first.servers)
    return dataclasses.replace(
        plan,
        steps=tuple(dataclasses.replace(s, after=()) if s is waiting else s for s in plan.steps),
    )


def sequence_dropped(plan: Plan) -> Plan:
    """The second change of some servers does not wait for their first."""
    chained = [s for s in plan.steps if s.kind.changes_build]
    then = next(s for n, s in enumerate(chained) if s.servers in {o.servers for o in chained[:n]})
    return dataclasses.replace(
        plan, steps=tuple(dataclasses.replace(s, after=()) if s is then else s for s in plan.steps)
    )


def passing_hidden(plan: Plan) -> Plan:
    """Removals do not say what they may show."""
    return dataclasses.replace(
        plan, steps=tuple(dataclasses.replace(step, passes=()) for step in plan.steps)
    )


def passing_unprotected(plan: Plan) -> Plan:
    """Nobody is redirected while a removal shows the service pack."""
    return relinked(plan, [step for step in plan.steps if not step.kind.changes_urls])


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("98", stop_omitted),
        ("100", stop_omitted),
        ("98", stop_too_late),
        ("89", sequence_dropped),
        ("98", sequence_dropped),
        ("94", passing_hidden),
        ("94", passing_unprotected),
    ],
)
def test_a_fault_is_caught(name: str, fault: Callable[[Plan], Plan]) -> None:
    case, plan = planned(name)
    assert check(case.topology, plan, case.book).safe
    assert not check(case.topology, fault(plan), case.book).safe


def test_what_is_omitted_without_harm_is_no_fault() -> None:
    """The mutants are caught for what they break, not for being changed."""
    case, plan = planned("98")
    strict = relinked(plan, plan.steps)
    assert check(case.topology, strict, case.book).safe
