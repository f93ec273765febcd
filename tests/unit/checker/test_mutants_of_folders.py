"""Deliberate faults of plans with version folders: the checker catches every one."""

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


def made_of(plan: Plan, steps: Iterable[Step]) -> Plan:
    """A plan of other steps, with the end they lead to."""
    chain = tuple(steps)
    folders = plan.start.version_folders.union(*(step.folders for step in chain))
    end = dataclasses.replace(plan.end, version_folders=folders)
    return dataclasses.replace(plan, steps=chain, end=end)


def copy_of(plan: Plan) -> Step:
    return next(step for step in reversed(plan.steps) if step.kind.copies_folder)


def waiting_for(plan: Plan, copy: Step) -> Step:
    """The first change of the copy's own pool."""
    return next(s for s in plan.steps if s.kind.changes_build and s.pool == copy.pool)


def omitted(plan: Plan) -> Plan:
    """It is not copied at all; everything else in the same order."""
    copy = copy_of(plan)
    steps = []
    for step in plan.steps:
        after = {name for name in step.after if name != copy.id}
        after |= {*copy.after} if copy.id in step.after else set()
        steps.append(dataclasses.replace(step, after=tuple(sorted(after))))
    return made_of(plan, [step for step in steps if step.id != copy.id])


def too_late(plan: Plan) -> Plan:
    """The source changes first and gets its folder then."""
    copy = copy_of(plan)
    change = waiting_for(plan, copy)
    after = {name for name in change.after if name != copy.id} | {*copy.after}
    first = dataclasses.replace(change, after=tuple(sorted(after)))
    then = dataclasses.replace(copy, after=(change.id,))
    behind = [
        dataclasses.replace(step, after=(*step.after, copy.id))
        for step in plan.steps[plan.steps.index(change) + 1 :]
    ]
    return made_of(plan, [*_until(plan, change, copy), first, then, *behind])


def not_waited_for(plan: Plan) -> Plan:
    """Copied some time, before or after the source changes."""
    copy = copy_of(plan)
    return made_of(
        plan,
        (
            dataclasses.replace(s, after=tuple(name for name in s.after if name != copy.id))
            for s in plan.steps
        ),
    )


def to_one_server_less(plan: Plan) -> Plan:
    """The last server of the pool does not get it."""
    copy = copy_of(plan)
    fewer = dataclasses.replace(copy, servers=copy.servers[:-1])
    return made_of(plan, (fewer if step is copy else step for step in plan.steps))


def of_another_build(plan: Plan) -> Plan:
    """The folder of the goal is copied, which the source has itself."""
    copy = copy_of(plan)
    goal = waiting_for(plan, copy).to_build
    other = dataclasses.replace(copy, folder=goal, origins=())
    return made_of(plan, (other if step is copy else step for step in plan.steps))


def from_who_may_not_have_it(plan: Plan) -> Plan:
    """The server it comes from may have changed by then, and so has the one it comes to."""
    copy = copy_of(plan)
    other = dataclasses.replace(copy, origins=copy.servers)
    free = dataclasses.replace(waiting_for(plan, copy), after=())
    by_id = {copy.id: other, free.id: free}
    return made_of(plan, (by_id.get(step.id, step) for step in plan.steps))


def _until(plan: Plan, change: Step, copy: Step) -> list[Step]:
    return [s for s in plan.steps[: plan.steps.index(change)] if s.id != copy.id]


FAULTS = [omitted, too_late, not_waited_for, of_another_build, from_who_may_not_have_it]


@pytest.mark.parametrize("name", ["73", "72", "131", "135"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_caught(name: str, fault: Callable[[Plan], Plan]) -> None:
    case, plan = planned(name)
    assert check(case.topology, plan, case.book).safe
    assert not check(case.topology, fault(plan), case.book).safe


def test_a_server_left_out_is_caught() -> None:
    case, plan = planned("131")
    assert not check(case.topology, to_one_server_less(plan), case.book).safe


@pytest.mark.parametrize("fault", [omitted, of_another_build], ids=lambda fault: fault.__name__)
def test_what_is_broken_is_the_path_that_needs_the_folder(fault: Callable[[Plan], Plan]) -> None:
    """Not only that the plan does not hang together."""
    case, plan = planned("73")
    (violation,) = check(case.topology, fault(plan), case.book).violations
    assert violation.message == (
        "paris/2007 -> rome/2007 (owa): paris-2007-1 on 8.3.264.0 in front of rome-2007-1 on "
        "8.3.245.2 is broken by owa-2007-newer-source"
    )


def test_a_folder_that_was_there_needs_no_step() -> None:
    case, plan = planned("73")
    had = case.start.with_folders(copy_of(plan).folders)
    bare = dataclasses.replace(omitted(plan), start=had, end=plan.end)
    assert check(case.topology, bare, case.book).safe


def test_a_repair_that_is_omitted_breaks_nothing_that_worked() -> None:
    """What is broken before may stay so; it is the planner that wants it repaired."""
    case, plan = planned("130")
    assert check(case.topology, omitted(plan), case.book).safe


def test_once_repaired_it_must_not_break_again() -> None:
    """Rome goes on to a build whose folder its source does not have."""
    case, plan = planned("133")
    violations = check(case.topology, omitted(plan), case.book).violations
    assert any("is unknown by owa-2010-to-2007-version-folder" in v.message for v in violations)


@pytest.mark.parametrize("fault", [omitted, not_waited_for], ids=lambda fault: fault.__name__)
def test_a_path_that_is_proxied_again_without_its_folder_is_caught(
    fault: Callable[[Plan], Plan],
) -> None:
    case, plan = planned("137")
    assert check(case.topology, plan, case.book).safe
    assert not check(case.topology, fault(plan), case.book).safe
