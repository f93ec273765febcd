"""Going back at one site only: planned and checked with the rest of the farm as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pretended import FakeClock

from orchestrator.checker import check
from orchestrator.cli.main import main
from orchestrator.cli.planning import way_back_of_sites
from orchestrator.errors import NoSafePlan
from orchestrator.execution.way_back import begin_way_back, way_back_done
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal
from orchestrator.model.plan import after_all
from orchestrator.model.state import State
from orchestrator.planfile import SavedPlan, read_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import rule_pack

LEAVES = Path(__file__).parents[2] / "crash" / "leaves"
GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
ADA = Who("ada", "node-1", 17, "")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedPlan:
    folder = tmp_path_factory.mktemp("made") / "plan"
    assert main(["plan", "-i", str(LEAVES), *GOALS, "-o", str(folder)]) == 0
    return read_plan(folder)


@pytest.fixture(scope="module")
def book(saved: SavedPlan) -> RuleBook:
    return saved.rules.book(rule_pack, saved.policy)


def until(saved: SavedPlan, last: str) -> State:
    """The farm once a step and all before it in the plan are done."""
    steps = saved.plan.steps
    place = next(n for n, step in enumerate(steps, 1) if step.id == last)
    return after_all(saved.plan.start, steps[:place])


def test_only_that_site_goes_back(saved: SavedPlan, book: RuleBook) -> None:
    now = until(saved, "upgrade-lisbon-2007-1")
    back, report = way_back_of_sites(saved.topology, saved.plan, now, book, ["lisbon"])
    assert report.safe
    assert check(saved.topology, back, book).safe
    assert [step.servers for step in back.steps if step.servers] == [("lis-cas-71",)]
    assert back.start == now
    for name, build in back.end.builds.items():
        same = saved.plan.start if name.startswith("lis-") else now
        assert build == same.builds[name]
    assert "only lisbon goes back" in back.remarks[-1]


def test_two_sites_go_back_together(saved: SavedPlan, book: RuleBook) -> None:
    now = until(saved, "upgrade-lisbon-2007-1")
    both = ["lisbon", "berlin"]
    back, _ = way_back_of_sites(saved.topology, saved.plan, now, book, both)
    assert {step.pool.site for step in back.steps if step.servers} == set(both)


def test_it_is_refused_where_the_rest_of_the_farm_would_break(
    saved: SavedPlan, book: RuleBook
) -> None:
    # Madrid is on the new build; nobody knows whether it serves through an old Berlin.
    now = saved.plan.end
    with pytest.raises(NoSafePlan, match=r"(?s)berlin alone would break.*-> berlin/2010") as caught:
        way_back_of_sites(saved.topology, saved.plan, now, book, ["berlin"])
    assert "the whole window back" in caught.value.remedy


def test_a_site_nothing_was_changed_at_has_nothing_to_undo(
    saved: SavedPlan, book: RuleBook
) -> None:
    back, _ = way_back_of_sites(saved.topology, saved.plan, saved.plan.start, book, ["berlin"])
    assert back.steps == ()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite3", clock=FakeClock()) as journal:
        yield journal


def test_the_journal_says_which_steps_are_undone(saved: SavedPlan, journal: Journal) -> None:
    rome, berlin, lisbon = "upgrade-rome-2010-1", "upgrade-berlin-2010-1", "upgrade-lisbon-2007-1"
    journal.append(Kind.RUN_STARTED, digest="x", who={})
    for name in (rome, "verify-pilot", berlin):
        journal.append(Kind.STEP_STARTED, name)
        journal.append(Kind.STEP_SUCCEEDED, name)
    journal.append(Kind.STEP_STARTED, lisbon)
    journal.append(Kind.STEP_FAILED, lisbon, reason="1603")
    begin_way_back(journal, "runs/1", ADA, ["lisbon"])
    # A way back that was cut off and resumed does not say again what it is about.
    begin_way_back(journal, "runs/1", ADA)
    assert way_back_done(journal, saved.plan, saved.plan.start, "runs/1") == (lisbon,)
    run = view(journal.entries())
    assert run.impossible == ()
    assert run.status(lisbon) is StepStatus.COMPENSATED
    assert {run.status(name) for name in (rome, berlin)} == {StepStatus.SUCCEEDED}
