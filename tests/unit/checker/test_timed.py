"""Deliberate faults in a timetable, and in the planner that makes it: each is caught."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from support.cases import FOLDER, load_case
from support.timetables import MONDAY, Draw, farm

from orchestrator.checker import check, check_timed
from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.schedule import Calendar, Schedule, SiteCalendar, TimedStep, TimePolicy
from orchestrator.model.topology import Topology
from orchestrator.model.window import Window
from orchestrator.planner import make_plan
from orchestrator.planner.schedule import schedule
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

MINUTE = timedelta(minutes=1)


def weekly(topology: Topology, minutes: int) -> Calendar:
    starts = [MONDAY + timedelta(weeks=n) for n in range(20)]
    found = tuple(Window(start, start + minutes * MINUTE) for start in starts)
    return Calendar("UTC", (SiteCalendar(tuple(sorted(topology.sites)), "UTC", found),))


def timed_case(name: str, minutes: int = 300) -> tuple[Topology, Plan, RuleBook]:
    case = load_case(FOLDER / name)
    topology = dataclasses.replace(case.topology, replication_minutes=20)
    plan = make_plan(topology, case.start, case.end, case.book, catalogue())
    policy = TimePolicy(replication_minutes=20)
    return topology, schedule(topology, plan, weekly(topology, minutes), policy), case.book


def with_times(plan: Plan, change: Callable[[TimedStep], TimedStep | None]) -> Plan:
    """The plan with each time changed; None leaves it out."""
    assert plan.schedule is not None
    rows = tuple(new for row in plan.schedule.steps if (new := change(row)) is not None)
    return dataclasses.replace(plan, schedule=dataclasses.replace(plan.schedule, steps=rows))


def moved(row: TimedStep, by: timedelta) -> TimedStep:
    return dataclasses.replace(row, start=row.start + by, end=row.end + by)


def messages(topology: Topology, plan: Plan, book: RuleBook) -> str:
    return "\n".join(v.message for v in check_timed(topology, plan, book).violations)


CASES = ["01-target-first.yml", "03-pair-one-capable.yml", "08-ring-of-three.yml"]
CASES += ["17-mixed-pool.yml", "11-held-and-redirected.yml", "02-seed-incident.yml"]
CASES += ["73-2007-in-front-of-2007.yml", "131-folders-of-three-builds.yml"]


@pytest.mark.parametrize("name", CASES)
def test_what_the_planner_makes_passes_and_states_are_judged(name: str) -> None:
    topology, plan, book = timed_case(name)
    report = check_timed(topology, plan, book)
    assert report.violations == ()
    assert report.states >= report.paths > 0


def test_a_plan_without_times_has_nothing_to_replay() -> None:
    topology, plan, book = timed_case("01-target-first.yml")
    assert check_timed(topology, dataclasses.replace(plan, schedule=None), book).safe


def first_change(plan: Plan) -> str:
    return next(s.id for s in plan.steps if s.kind.changes_build)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("reserve ignored", "keeps 0 minutes in reserve, it needs 30"),
        ("reserve does not fit", "lies in no window"),
        ("window overrun", "lies in no window"),
        ("outside all windows", "lies in no window"),
        ("too short", "is given 1 minute, it needs 30"),
        ("left out", "has no time"),
        ("twice", "has 2 times"),
        ("unknown", "has a time and is no step"),
        ("another window named", "names a window it does not lie in"),
        ("before its predecessor", "has ended"),
    ],
)
def test_fault_in_the_times(fault: str, says: str) -> None:
    topology, plan, book = timed_case("01-target-first.yml")
    name = first_change(plan)
    last = plan.steps[-1].id

    def change(row: TimedStep) -> TimedStep | None:
        if fault == "before its predecessor" and row.step == last:
            return dataclasses.replace(
                row, start=row.window.start, end=row.window.start + (row.end - row.start)
            )
        if row.step != name:
            return row
        short = dataclasses.replace(row, end=row.start + MINUTE)
        later = row.window.start + timedelta(weeks=30)
        changed: dict[str, TimedStep | None] = {
            "reserve ignored": dataclasses.replace(row, reserve_minutes=0),
            "reserve does not fit": moved(row, row.window.end - row.end - 29 * MINUTE),
            "window overrun": moved(row, row.window.end - row.start - MINUTE),
            "outside all windows": moved(row, later - row.start),
            "too short": short,
            "left out": None,
            "unknown": dataclasses.replace(row, step="upgrade-nobody"),
            "another window named": dataclasses.replace(
                row,
                window=Window(
                    row.window.start + timedelta(weeks=1), row.window.end + timedelta(weeks=1)
                ),
            ),
        }
        return changed.get(fault, row)

    wrong = with_times(plan, change)
    if fault == "twice":
        assert plan.schedule is not None
        row = next(r for r in plan.schedule.steps if r.step == name)
        doubled = dataclasses.replace(plan.schedule, steps=(*plan.schedule.steps, row))
        wrong = dataclasses.replace(plan, schedule=doubled)
    assert says in messages(topology, wrong, book)


def crowded() -> tuple[Topology, Plan]:
    """One pool whose batches are in no order, all in one window."""
    drawn = farm(3, Draw(1, batches=(4, 4), arcs=0.0, hours=(6, 6)))
    steps = tuple(
        dataclasses.replace(step, after=()) if step.servers else step for step in drawn.plan.steps
    )
    plan = dataclasses.replace(drawn.plan, steps=steps)
    topology = dataclasses.replace(drawn.topology, paths=())
    return topology, schedule(topology, plan, drawn.calendar, drawn.policy)


def test_a_pool_below_its_minimum_for_a_minute_is_seen() -> None:
    topology, plan = crowded()
    assert check_timed(topology, plan, RuleBook(())).safe
    assert plan.schedule is not None
    second = plan.schedule.steps[1].step
    wrong = with_times(plan, lambda row: moved(row, -MINUTE) if row.step == second else row)
    assert "would have 2 servers in service" in messages(topology, wrong, RuleBook(()))


def test_one_server_changed_twice_at_once_is_seen() -> None:
    topology, plan = crowded()
    assert plan.schedule is not None
    first, second = (row.step for row in plan.schedule.steps[:2])
    server = next(s.servers for s in plan.steps if s.id == first)
    steps = tuple(
        dataclasses.replace(s, servers=server) if s.id == second else s for s in plan.steps
    )
    start = plan.schedule.steps[0].start
    wrong = with_times(
        dataclasses.replace(plan, steps=steps),
        lambda row: moved(row, start - row.start) if row.step == second else row,
    )
    assert f"{first} and {second} change {server[0]} at the same time" in messages(
        topology, wrong, RuleBook(())
    )


def test_more_steps_at_once_than_allowed_are_seen() -> None:
    drawn = farm(2, Draw(8, batches=(1, 1), arcs=0.0, classes=1, parallel=3, hours=(6, 6)))
    topology = dataclasses.replace(drawn.topology, paths=())
    plan = schedule(topology, drawn.plan, drawn.calendar, drawn.policy)
    assert plan.schedule is not None
    narrow = dataclasses.replace(plan.schedule.policy, max_parallel=2)
    wrong = dataclasses.replace(plan, schedule=dataclasses.replace(plan.schedule, policy=narrow))
    assert "3 steps run" in messages(topology, wrong, RuleBook(()))


@pytest.mark.parametrize("name", ["01-target-first.yml", "03-pair-one-capable.yml"])
def test_a_state_that_breaks_a_path_is_seen_at_the_instant_it_comes_about(name: str) -> None:
    """The plan forgets its order altogether and the times follow: only the paths can tell."""
    topology, plan, book = timed_case(name, minutes=900)
    assert plan.schedule is not None
    rows = {row.step: row for row in plan.schedule.steps}
    changing = [s for s in plan.steps if s.servers]
    begin, end = rows[changing[0].id].start, max(row.end for row in rows.values())
    steps = tuple(dataclasses.replace(s, after=()) for s in plan.steps)
    backwards = with_times(
        dataclasses.replace(plan, steps=steps),
        lambda row: moved(row, begin + (end - row.end) - row.start),
    )
    found = check_timed(topology, backwards, book).violations
    broken = [v for v in found if "in front of" in v.message]
    assert broken
    assert all("UTC" in v.message for v in broken)
    assert not check(topology, backwards, book).safe


def test_a_switch_that_still_spreads_may_be_seen_either_way() -> None:
    """What the redirection protects begins while the switch has not ended."""
    topology, plan, book = timed_case("03-pair-one-capable.yml", minutes=900)
    opening = next(s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION)
    assert plan.schedule is not None
    rows = {row.step: row for row in plan.schedule.steps}
    guarded = [s.id for s in plan.steps if opening.id in s.after]
    assert guarded
    steps = tuple(
        dataclasses.replace(s, after=tuple(n for n in s.after if n != opening.id))
        for s in plan.steps
    )
    early = with_times(
        dataclasses.replace(plan, steps=steps),
        lambda row: moved(row, rows[opening.id].start - row.start) if row.step in guarded else row,
    )
    assert "in front of" in messages(topology, early, book)


# Faults in the planner itself: the times are made with the fault, the checker judges them.


def test_a_planner_that_ignores_the_reserve_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TimePolicy, "reserve", lambda self, step: 0)
        topology, plan, book = timed_case("17-mixed-pool.yml", minutes=60)
    assert "in reserve" in messages(topology, plan, book)


def test_a_planner_that_forgets_after_is_caught() -> None:
    topology, plan, book = timed_case("08-ring-of-three.yml", minutes=900)
    forgetful = dataclasses.replace(
        plan, steps=tuple(dataclasses.replace(s, after=()) for s in plan.steps), schedule=None
    )
    assert plan.schedule is not None
    times = schedule(topology, forgetful, plan.schedule.calendar, plan.schedule.policy).schedule
    wrong = dataclasses.replace(plan, schedule=times)
    assert "before" in messages(topology, wrong, book)


def test_a_planner_that_overruns_its_windows_is_caught() -> None:
    topology, plan, book = timed_case("01-target-first.yml")
    assert plan.schedule is not None
    shorter = narrowed(plan.schedule, 60)
    wrong = dataclasses.replace(plan, schedule=shorter)
    assert "lies in no window" in messages(topology, wrong, book)


def narrowed(found: Schedule, minutes: int) -> Schedule:
    groups = tuple(
        dataclasses.replace(
            group, windows=tuple(Window(w.start, w.start + minutes * MINUTE) for w in group.windows)
        )
        for group in found.calendar.groups
    )
    return dataclasses.replace(found, calendar=Calendar("UTC", groups))


def test_a_planner_that_forgets_the_minimum_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.planner.board import Board

    with monkeypatch.context() as patch:
        patch.setattr(Board, "_crowds", lambda self, task, start: [])
        topology, plan = crowded()
    assert "in service" in messages(topology, plan, RuleBook(()))


def test_what_a_removal_shows_is_looked_at_while_it_runs() -> None:
    topology, plan, book = timed_case("94-removal-shows-the-service-pack.yml")
    assert check_timed(topology, plan, book).safe
    # The same times, but nobody was redirected meanwhile.
    unturned = dataclasses.replace(
        plan,
        steps=tuple(
            dataclasses.replace(s, new_urls=dict.fromkeys(s.new_urls, "")) for s in plan.steps
        ),
    )
    said = messages(topology, unturned, book)
    assert "paris-2010-1 on 14.2.283.3 in front of rome-2010-1 on 14.2.247.5 is broken" in said
    hidden = dataclasses.replace(
        unturned, steps=tuple(dataclasses.replace(s, passes=()) for s in unturned.steps)
    )
    assert "14.2.247.5" not in messages(topology, hidden, book)


def test_a_folder_counts_from_the_end_of_its_copy() -> None:
    """The copy ends a minute after the source is on its new build: broken for that minute."""
    topology, plan, book = timed_case("73-2007-in-front-of-2007.yml")
    assert plan.schedule is not None
    copy, source, *_ = plan.schedule.steps
    late = with_times(
        plan, lambda row: moved(row, source.end - copy.end + MINUTE) if row is copy else row
    )
    said = messages(topology, late, book)
    assert "is broken by owa-2007-newer-source" in said
    assert "change paris-2007-1 at the same time" in said
