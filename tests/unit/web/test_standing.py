"""What the page says of a journal: verdicts, unknown servers, user-hours and the sentence."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cases import FOLDER, load_case
from support.large import NEW, OLD, write_large
from support.served import begin, write_journal

from orchestrator.execution.clock import SystemClock
from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.store import JOURNAL_NAME
from orchestrator.model.plan import Plan, Step, StepKind
from orchestrator.model.topology import Protocol, Topology
from orchestrator.planfile import SavedPlan
from orchestrator.planner import make_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack
from orchestrator.web.costs import costs, most_redirected
from orchestrator.web.farm import farm_of
from orchestrator.web.folder import PlanFolder
from orchestrator.web.standing import Moment, Standings
from orchestrator.web.verdicts import UNREAD

BEGIN = datetime(2026, 11, 25, 22, tzinfo=UTC)
WHO = {"by": "ada", "host": "elsewhere", "pid": 1, "identity": ""}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedPlan:
    return write_large(tmp_path_factory.mktemp("large") / "plan", sites=3, servers=2)


class Story:
    """Entries, a minute apart."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def tell(self, kind: Kind, step: str | None = None, **data: Any) -> Story:
        seq = len(self.entries) + 1
        time = BEGIN + timedelta(minutes=seq - 1)
        self.entries.append(Entry(seq, time, kind, step, 1, data, ""))
        return self

    def said(self, saved: SavedPlan, *, running: bool | None = True) -> dict[str, Any]:
        book = RuleBook(rule_pack(), saved.policy)
        now = self.entries[-1].time if self.entries else BEGIN
        return Standings(saved, book, catalogue()).at(self.entries, Moment(now, running, "d"))


def begun() -> Story:
    return Story().tell(Kind.PLAN_APPROVED, digest="d", by="ada").tell(Kind.RUN_STARTED, who=WHO)


def changes(saved: SavedPlan) -> list[Step]:
    return [step for step in saved.plan.steps if step.kind.changes_build]


def test_an_approval_of_another_digest_is_none(saved: SavedPlan) -> None:
    assert Story().said(saved)["tone"] == "ask"
    other = Story().tell(Kind.PLAN_APPROVED, digest="other", by="ada").said(saved)
    assert (other["tone"], other["can"]["approve"], other["approved_by"]) == ("ask", True, "")
    right = Story().tell(Kind.PLAN_APPROVED, digest="d", by="ada").said(saved)
    assert (right["tone"], right["can"]["approve"]) == ("wait", False)


def test_servers_of_a_step_that_failed_are_unknown_until_they_are_read(saved: SavedPlan) -> None:
    step = changes(saved)[0]
    story = begun().tell(Kind.STEP_STARTED, step.id)
    assert story.said(saved)["works"]
    story.tell(Kind.STEP_FAILED, step.id, reason="1603")
    said = story.said(saved)
    touched = [
        row for path, row in zip(saved.topology.paths, said["paths"], strict=True)
        if step.pool in {path.source, path.target}
    ]  # fmt: skip
    assert touched
    assert {tuple(row[:2]) for row in touched} == {("unknown", UNREAD)}
    assert not said["works"]
    builds = {name: str(OLD) for name in saved.topology.servers}
    said = story.tell(Kind.STATE_READ, builds=builds, owa_external_urls={}).said(saved)
    assert UNREAD not in {row[1] for row in said["paths"]}
    assert said["works"]


def test_while_a_step_runs_both_builds_count(saved: SavedPlan) -> None:
    """The hub on the new build in front of old ones is what breaks; half of it is enough."""
    hub = next(pool for pool in saved.topology.pools if pool.site == "site-000")
    wrong = Step("wrong", StepKind.UPGRADE, hub, saved.topology.pools[hub].servers[:1],
                 (), (), 20, "against the order", from_build=OLD, to_build=NEW)  # fmt: skip
    plan = Plan((wrong,), saved.plan.start, saved.plan.end)
    story = begun().tell(Kind.STEP_STARTED, "wrong")
    said = story.said(SavedPlan(saved.topology, plan, saved.policy, saved.goals))
    assert {row[0] for row in said["paths"]} == {"broken"}
    assert said["text"].startswith("Step 1 of 1")
    assert not said["works"]


def test_how_a_run_ended_is_said_in_its_tone(saved: SavedPlan) -> None:
    step = changes(saved)[0].id
    assert begun().said(saved, running=False)["tone"] == "bad"
    assert begun().said(saved, running=None)["tone"] == "doubt"
    paused = begun().tell(Kind.RUN_STOPPED, reason=f"before step {step}, as asked", paused=True)
    assert (paused.said(saved)["tone"], paused.said(saved)["can"]["resume"]) == ("wait", True)
    doubt = begun().tell(Kind.STEP_STARTED, step).tell(Kind.STEP_IN_DOUBT, step, reason="lost")
    assert doubt.tell(Kind.RUN_STOPPED, reason="lost").said(saved)["tone"] == "doubt"
    assert begun().tell(Kind.RUN_FINISHED).said(saved)["tone"] == "good"


def redirecting(topology: Topology) -> Plan:
    pool = next(pool for pool in topology.pools if topology.paths_into[pool])
    names = topology.pools[pool].servers
    none, there = dict.fromkeys(names, ""), dict.fromkeys(names, "https://there.example/owa")
    on = Step("on", StepKind.ENABLE_REDIRECTION, pool, names, (Protocol.OWA,), (), 30, "",
              prior_urls=none, new_urls=there)  # fmt: skip
    off = Step("off", StepKind.RESTORE_PROXYING, pool, names, (Protocol.OWA,), ("on",), 30, "",
               prior_urls=there, new_urls=none)  # fmt: skip
    start = write_state(topology)
    return Plan((on, off), start, start)


def write_state(topology: Topology) -> Any:
    from orchestrator.model.state import State

    return State(dict.fromkeys(topology.servers, OLD), {})


def test_user_hours_run_from_the_first_minute_to_the_last(saved: SavedPlan) -> None:
    plan = redirecting(saved.topology)
    users = sum(path.users for path in saved.topology.paths_into[plan.steps[0].pool])
    story = Story()
    for kind, step in [
        (Kind.STEP_STARTED, "on"), (Kind.STEP_SUCCEEDED, "on"),
        (Kind.STEP_STARTED, "off"), (Kind.STEP_SUCCEEDED, "off"),
    ]:  # fmt: skip
        story.tell(kind, step)
    (turned,) = farm_of(saved.topology, plan, story.entries).turned
    assert turned.user_minutes(BEGIN + timedelta(days=1)) == 3 * users
    (open_,) = farm_of(saved.topology, plan, story.entries[:2]).turned
    assert open_.user_minutes(BEGIN + timedelta(minutes=10)) == 10 * users
    # planned: an hour, as both steps take half of one
    assert costs(saved.topology, plan)["redirected_user_hours"] == users
    assert most_redirected(saved.topology, plan).external_urls


def test_a_folder_of_plans_is_only_read(saved: SavedPlan, tmp_path: Path) -> None:
    write_large(tmp_path / "plan", sites=2, servers=2)
    folder = PlanFolder(tmp_path / "plan", SystemClock())
    assert folder.read_news() == []
    assert folder.running() is False
    folder.close()
    assert sorted(path.name for path in (tmp_path / "plan").iterdir()) == ["plan.json"]


@pytest.mark.parametrize("made", ["nothing in it", "no table in it", "no entry in it"])
def test_a_journal_looked_at_while_it_is_made_is_read_once_it_is_written(
    made: str, tmp_path: Path
) -> None:
    write_large(tmp_path / "plan", sites=2, servers=2)
    folder = PlanFolder(tmp_path / "plan", SystemClock())
    path = tmp_path / "plan" / JOURNAL_NAME
    match made:
        case "nothing in it":
            path.touch()
        case "no table in it":
            with closing(sqlite3.connect(path)) as raw:
                raw.execute("PRAGMA journal_mode=WAL")
        case _:
            write_journal(tmp_path / "plan").close()
    assert folder.read_news() == []
    with write_journal(tmp_path / "plan") as journal:
        begin(journal, tmp_path / "plan")
        assert [entry.seq for entry in folder.read_news()] == [1, 2]
        assert folder.read_news() == []
    folder.close()


def test_a_folder_counts_once_its_step_has_succeeded() -> None:
    (path,) = FOLDER.glob("130-*.yml")
    case = load_case(path)
    plan = make_plan(case.topology, case.start, case.end, case.book, catalogue())
    copy = plan.steps[0].id
    saved = SavedPlan(case.topology, plan, case.book.policy, case.goals)
    story = begun().tell(Kind.STEP_STARTED, copy)
    assert (story.said(saved)["paths"][0][0], story.said(saved)["works"]) == ("broken", False)
    assert "copying a version folder to paris/2007" in story.said(saved)["text"]
    said = story.tell(Kind.STEP_SUCCEEDED, copy, seconds=3).said(saved)
    assert (said["paths"][0][0], said["works"]) == ("ok", True)
