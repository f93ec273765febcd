"""A probe is the second line of defence: it may only excuse what was broken before the plan."""

from __future__ import annotations

import dataclasses

from support.cases import FOLDER, load_case

from orchestrator.model.plan import Probe, StepKind
from orchestrator.planner import make_plan
from orchestrator.planner.probes import Observer
from orchestrator.shipped import catalogue


def probes_after(case_name: str, step_id: str, *, forget: tuple[str, ...] = ()) -> list[Probe]:
    """The probes of a step, after some steps have lost all they come after."""
    case = load_case(FOLDER / case_name)
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    steps = [dataclasses.replace(s, after=()) if s.id in forget else s for s in plan.steps]
    observer = Observer(case.topology, case.start, steps, case.book)
    step = next(s for s in steps if s.id == step_id)
    return list(observer.with_probes(step, case.topology.paths).probes)


def test_a_wrong_order_is_not_excused() -> None:
    source = "upgrade-paris-2010-1"
    (probe,) = probes_after("01-target-first.yml", source, forget=(source,))
    assert probe.targets == ("rome-2010-1",)
    assert not probe.may_break


def test_what_was_broken_before_is_excused_until_it_is_repaired() -> None:
    first = probes_after("02-seed-incident.yml", "upgrade-rome-2010-1")
    from_paris = [p for p in first if p.sources[0].startswith("paris")]
    assert {(p.targets, p.may_break) for p in from_paris} == {(("rome-2010-1",), True)}
    from_zurich = [p for p in first if p.sources[0].startswith("zurich")]
    assert {p.may_break for p in from_zurich} == {False}
    both = ("rome-2010-1", "rome-2010-2")
    then = probes_after("02-seed-incident.yml", "upgrade-rome-2010-2")
    assert {(p.targets, p.may_break) for p in then} == {(both, False)}


def test_during_a_redirection_only_the_redirect_is_expected() -> None:
    case = load_case(FOLDER / "03-pair-one-capable.yml")
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    (enable,) = [s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION]
    assert {(p.expect, p.redirect_url, p.targets) for p in enable.probes} == {
        (("redirected",), "https://publish.example/owa", ())
    }
    (restore,) = [s for s in plan.steps if s.kind is StepKind.RESTORE_PROXYING]
    assert {p.expect for p in restore.probes} == {("proxied",)}
