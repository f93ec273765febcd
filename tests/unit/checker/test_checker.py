"""The checker against plans with a fault put in on purpose: it must see every one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from support.cases import FOLDER, Case, case_files, load_case

from orchestrator.checker import check
from orchestrator.errors import OrchestratorError
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue

PAIR = FOLDER / "03-pair-one-capable.yml"


def planned(case: Case) -> Plan:
    return make_plan(case.topology, case.start, case.end, case.book, catalogue())


def with_steps(plan: Plan, change: Callable[[Step], Step | None]) -> Plan:
    steps = tuple(new for step in plan.steps if (new := change(step)) is not None)
    end = plan.start
    for step in steps:
        end = step.apply(end)
    return dataclasses.replace(plan, steps=steps, end=end)


def violations(case: Case, plan: Plan) -> list[str]:
    return [v.message for v in check(case.topology, plan, case.book).violations]


def drop_arc(first: str, then: str) -> Callable[[Step], Step]:
    """Forget one `after`, keeping what it brought along."""

    def change(step: Step) -> Step:
        if step.id != then:
            return step
        return dataclasses.replace(step, after=tuple(n for n in step.after if n != first))

    return change


def test_sound_plan_passes_and_says_what_was_looked_at() -> None:
    case = load_case(PAIR)
    report = check(case.topology, planned(case), case.book)
    assert report.safe
    assert report.paths == 2
    assert report.states > 10


def arcs_that_matter() -> list[tuple[str, str, str]]:
    """Every `after` between two changes that a rule asked for.

    Repairing first is a courtesy to the users and no condition of safety, so it is left out.
    """
    found = []
    for path in case_files():
        case = load_case(path)
        try:
            plan = planned(case)
        except OrchestratorError:
            continue
        by_id = {step.id: step for step in plan.steps}
        found += [
            (path.stem, first, step.id)
            for step in plan.steps
            for first in step.after
            if not {step.kind, by_id[first].kind} & {StepKind.VERIFY}
            and not ("which repairs" in step.reason and "otherwise" not in step.reason)
        ]
    return found


@pytest.mark.parametrize(("stem", "first", "then"), arcs_that_matter())
def test_a_forgotten_after_between_changes_is_seen(stem: str, first: str, then: str) -> None:
    case = load_case(FOLDER / f"{stem}.yml")
    plan = planned(case)
    assert violations(case, with_steps(plan, drop_arc(first, then)))


def test_a_redirection_that_is_left_out_is_seen() -> None:
    case = load_case(PAIR)
    plan = planned(case)

    def drop(step: Step) -> Step | None:
        if step.kind.changes_urls:
            return None
        return dataclasses.replace(
            step,
            after=tuple(n for n in step.after if "redirection" not in n and "restore" not in n),
        )

    assert any(
        "rome/2010 -> madrid/2010" in text for text in violations(case, with_steps(plan, drop))
    )


def test_a_redirection_of_half_a_pool_is_seen() -> None:
    case = load_case(PAIR)
    plan = planned(case)

    def halve(step: Step) -> Step:
        if not step.kind.changes_urls:
            return step
        urls = dict(list(step.new_urls.items())[:1])
        return dataclasses.replace(step, new_urls=urls)

    assert any("every server" in text for text in violations(case, with_steps(plan, halve)))


def test_an_early_restore_is_seen() -> None:
    case = load_case(PAIR)
    plan = planned(case)

    def hurry(step: Step) -> Step:
        if step.kind is not StepKind.RESTORE_PROXYING:
            return step
        enable = next(s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION)
        return dataclasses.replace(step, after=(enable.id,))

    assert violations(case, with_steps(plan, hurry))


def test_another_build_than_planned_is_seen() -> None:
    case = load_case(PAIR)
    plan = planned(case)

    def other(step: Step) -> Step:
        if not step.kind.changes_build:
            return step
        return dataclasses.replace(step, to_build=Build(14, 2, 283, 3))

    found = check(
        case.topology, dataclasses.replace(with_steps(plan, other), end=plan.end), case.book
    )
    assert any("do not lead to" in v.message for v in found.violations)


def test_too_large_a_batch_is_seen() -> None:
    case = load_case(FOLDER / "02-seed-incident.yml")
    plan = planned(case)
    names = case.topology.pools[plan.steps[0].pool].servers

    def all_at_once(step: Step) -> Step:
        return dataclasses.replace(step, servers=names) if step is plan.steps[0] else step

    found = violations(case, with_steps(plan, all_at_once))
    assert any("its minimum is 1" in text for text in found)


def test_a_balanced_name_left_without_servers_is_seen() -> None:
    case = load_case(FOLDER / "110-two-balanced-pools-in-one-site.yml")
    plan = planned(case)
    _, second, third = [s for s in plan.steps if s.kind.changes_build][:3]

    def by_number_alone(step: Step) -> Step:
        if step.id == second.id:
            return dataclasses.replace(step, servers=("rome-2010-2", "rome-2010-3"))
        return dataclasses.replace(step, servers=("rome-2010-4",)) if step.id == third.id else step

    found = violations(case, with_steps(plan, by_number_alone))
    expected = "mail-b of rome/2010 would have 0 servers in service, its minimum is 1"
    assert found == [f"while {second.id} runs, {expected}"]


def test_a_wrong_record_of_the_prior_value_is_seen() -> None:
    case = load_case(PAIR)
    plan = planned(case)

    def forge(step: Step) -> Step:
        if step.kind is not StepKind.ENABLE_REDIRECTION:
            return step
        return dataclasses.replace(step, prior_urls=dict.fromkeys(step.servers, "https://x/owa"))

    assert any("as prior of" in text for text in violations(case, with_steps(plan, forge)))


@pytest.mark.parametrize("fault", ["unknown step", "twice", "before itself", "foreign server"])
def test_a_plan_that_does_not_hang_together_is_seen(fault: str) -> None:
    case = load_case(PAIR)
    plan = planned(case)
    first, *rest = plan.steps
    if fault == "unknown step":
        steps = (dataclasses.replace(first, after=("nowhere",)), *rest)
    elif fault == "twice":
        steps = (first, first, *rest)
    elif fault == "before itself":
        steps = (*rest, first)
    else:
        steps = (dataclasses.replace(first, servers=("stranger",)), *rest)
    assert violations(case, dataclasses.replace(plan, steps=steps))
