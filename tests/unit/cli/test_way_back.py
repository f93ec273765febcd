"""Where a way back leads when something is broken before, during and after the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import Case, load_case

from orchestrator.cli.planning import way_back
from orchestrator.model.plan import Plan
from orchestrator.model.state import State
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue

# rome/2010 reaches rome/2007 by a redirection only and has none: broken whatever is done here.
SAME_SITE = """\
title: a path that does not work before, and no plan changes that
pools:
  rome/2010: {builds: [2010 SP2]}
  rome/2007: {builds: [2007 SP3 RU7]}
  oslo/2010: {builds: [2010 SP2, 2010 SP2]}
paths:
  - {from: rome/2010, to: rome/2007, users: 120}
  - {from: rome/2010, to: oslo/2010, users: 12}
goals: {"2010": 2010 SP2 RU2}
expect: {exit: 0}
"""
REPAIRED = """\
title: a path that is broken until its target is upgraded
pools:
  paris/2010: {builds: [2010 SP2 RU1]}
  rome/2010: {builds: [2010 SP2, 2010 SP2]}
paths: [{from: paris/2010, to: rome/2010}]
goals: {"2010": 2010 SP2 RU2}
expect: {exit: 0}
"""


def read(text: str, folder: Path) -> tuple[Case, Plan]:
    file = folder / "case.yml"
    file.write_text(text)
    case = load_case(file)
    return case, make_plan(case.topology, case.start, case.end, case.book, catalogue())


def back(case: Case, plan: Plan, now: State, *accepted: str) -> Plan:
    return way_back(case.topology, plan, now, case.book, frozenset(accepted))[0]


def after(plan: Plan, steps: int) -> State:
    now = plan.start
    for step in plan.steps[:steps]:
        now = step.apply(now)
    return now


def test_what_is_broken_all_along_does_not_hold_a_way_back_up(tmp_path: Path) -> None:
    case, plan = read(SAME_SITE, tmp_path)
    assert back(case, plan, plan.end).end == plan.start


@pytest.mark.parametrize("done", range(1, 5))
def test_from_half_way_no_server_goes_on(done: int, tmp_path: Path) -> None:
    case, plan = read(SAME_SITE, tmp_path)
    assert sum(step.kind.changes_build for step in plan.steps) == 3
    assert back(case, plan, after(plan, done)).end == plan.start


def test_what_was_repaired_is_not_broken_again_unless_accepted(tmp_path: Path) -> None:
    case, plan = read(REPAIRED, tmp_path)
    (path,) = case.topology.paths
    repaired = next(
        n
        for n in range(len(plan.steps))
        if not case.book.broken_paths(case.topology, after(plan, n))
    )
    assert back(case, plan, plan.end).end == after(plan, repaired)
    assert back(case, plan, plan.end, str(path)).end == plan.start


def test_a_server_that_was_repaired_is_not_taken_back_though_its_path_is_broken_still(
    tmp_path: Path,
) -> None:
    case, plan = read(REPAIRED, tmp_path)
    now = after(plan, 1)
    assert case.book.broken_paths(case.topology, now)
    assert back(case, plan, now).steps == ()
