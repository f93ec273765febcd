"""Steps in windows: what fits, what is refused, what is kept apart, what stays redirected."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.cases import FOLDER, load_case
from support.timetables import Draw, Farm, farm

from orchestrator.checker import check_timed
from orchestrator.errors import NoPlanFound, NoSafePlan
from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.schedule import (
    Bound,
    Calendar,
    Schedule,
    SiteCalendar,
    TimedStep,
    TimePolicy,
)
from orchestrator.model.topology import PoolId, Topology
from orchestrator.model.window import Window
from orchestrator.planner import make_plan
from orchestrator.planner.schedule import schedule
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

NIGHT = datetime(2026, 3, 7, 21, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def windows(
    minutes: int, *, first: datetime = NIGHT, weeks: int = 20, every: timedelta = WEEK
) -> tuple[Window, ...]:
    starts = [first + n * every for n in range(weeks)]
    return tuple(Window(start, start + timedelta(minutes=minutes)) for start in starts)


def everywhere(topology: Topology, minutes: int, weeks: int = 20) -> Calendar:
    sites = tuple(sorted(topology.sites))
    return Calendar("UTC", (SiteCalendar(sites, "UTC", windows(minutes, weeks=weeks)),))


def planned(name: str, **changes: object) -> tuple[Topology, Plan, RuleBook]:
    case = load_case(FOLDER / name)
    topology = dataclasses.replace(case.topology, **changes)  # type: ignore[arg-type]
    plan = make_plan(topology, case.start, case.end, case.book, catalogue())
    return topology, plan, case.book


def times(plan: Plan) -> Schedule:
    assert plan.schedule is not None
    return plan.schedule


def test_a_step_as_long_as_the_window_to_the_minute_fits_and_a_minute_less_does_not() -> None:
    topology, plan, book = planned("01-target-first.yml")
    policy = TimePolicy()
    most = max(policy.minutes(s) + policy.reserve(s) for s in plan.steps)
    fitting = schedule(topology, plan, everywhere(topology, most), policy)
    assert check_timed(topology, fitting, book).safe
    longest = max(times(fitting).steps, key=lambda row: row.end - row.start)
    assert longest.end + timedelta(minutes=longest.reserve_minutes) == longest.window.end
    with pytest.raises(NoSafePlan) as refused:
        schedule(topology, plan, everywhere(topology, most - 1), policy)
    name = longest.step
    site = next(s.pool.site for s in plan.steps if s.id == name)
    assert f"{name} needs {most} minutes" in refused.value.message
    assert f"the longest window of {site} has {most - 1}" in refused.value.message
    assert refused.value.exit_code == 3


def test_a_switch_that_fits_into_no_window_is_no_proof_that_nothing_does() -> None:
    topology, plan, _ = planned("03-pair-one-capable.yml", replication_minutes=300)
    with pytest.raises(NoPlanFound, match=r"enable-redirection.* needs"):
        schedule(topology, plan, everywhere(topology, 200), TimePolicy())
    with pytest.raises(NoSafePlan, match=r"upgrade-.* needs") as refused:
        schedule(topology, plan, everywhere(topology, 20), TimePolicy())
    assert type(refused.value) is NoSafePlan


def test_a_site_without_windows_is_named() -> None:
    topology, plan, _ = planned("01-target-first.yml")
    site = next(s.pool.site for s in plan.steps if s.kind is StepKind.UPGRADE)
    calendar = everywhere(topology, 300)
    others = tuple(name for name in calendar.groups[0].sites if name != site)
    calendar = Calendar("UTC", (SiteCalendar(others, "UTC", windows(300)),))
    with pytest.raises(NoSafePlan, match=f"{site} has no window at all"):
        schedule(topology, plan, calendar, TimePolicy())


def test_windows_that_end_before_the_work_does_are_refused() -> None:
    topology, plan, _ = planned("08-ring-of-three.yml", replication_minutes=20)
    with pytest.raises(NoSafePlan, match=r"they end before .* are done"):
        schedule(topology, plan, everywhere(topology, 120, weeks=1), TimePolicy())


def test_nights_no_timetable_tried_fits_into_are_not_called_impossible() -> None:
    """A timetable made by hand fits: the case's own comment, replayed by the checker."""
    case = load_case(FOLDER / "145-three-nights-that-must-be-filled-to-the-minute.yml")
    assert case.timing is not None
    asked = (case.topology, case.start, case.end, case.book, catalogue())
    with pytest.raises(NoPlanFound):
        make_plan(*asked, timing=case.timing)
    nights = case.timing.calendar.groups[0].windows
    plan = make_plan(*asked)
    rows = []
    for night, sites in zip(nights, ("abh", "cfg", "dei", ""), strict=True):
        steps = [next(s for s in plan.steps if s.servers and s.pool.site == x) for x in sites]
        at = night.start
        for step in steps or [s for s in plan.steps if not s.servers]:
            end = at + timedelta(minutes=step.estimated_minutes)
            rows.append(TimedStep(step.id, at, end, 0, night))
            at = end
    bound = Bound(rows[-1].end, "made by hand", 0)
    by_hand = Schedule(*case.timing, nights[0].start, tuple(rows), bound, 0)
    timed = dataclasses.replace(plan, schedule=by_hand)
    assert check_timed(case.topology, timed, case.book).violations == ()


def test_sites_whose_windows_never_overlap_still_go_one_after_the_other() -> None:
    topology, plan, book = planned("01-target-first.yml")
    sites = sorted(topology.sites)
    groups = tuple(
        SiteCalendar((site,), "UTC", windows(180, first=NIGHT + timedelta(days=n)))
        for n, site in enumerate(sites)
    )
    timed = schedule(topology, plan, Calendar("UTC", groups), TimePolicy())
    assert check_timed(topology, timed, book).safe
    by_site = {
        s.pool.site: row.start.weekday()
        for s in plan.steps
        for row in times(timed).steps
        if row.step == s.id and s.servers
    }
    assert len(set(by_site.values())) == len(sites)


def test_a_redirection_goes_where_it_is_short_although_it_could_begin_earlier() -> None:
    # the inner pool's window is a week's end away from the first, and close to the second
    topology, plan, book = planned("03-pair-one-capable.yml", replication_minutes=20)
    opened = next(s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION)
    other = next(s.pool.site for s in plan.steps if s.servers and s.pool != opened.pool)
    late = windows(300, first=NIGHT + timedelta(hours=12))
    groups = (
        SiteCalendar((opened.pool.site,), "UTC", windows(240, weeks=40, every=timedelta(days=4))),
        SiteCalendar((other,), "UTC", late),
    )
    timed = schedule(topology, plan, Calendar("UTC", groups), TimePolicy())
    assert check_timed(topology, timed, book).safe
    found = times(timed)
    assert found.user_minutes == found.bound.user_minutes > 0
    first = next(row.start for row in found.steps if row.step == opened.id)
    assert any("stays redirected from one window into the" in r for r in timed.remarks)
    assert first.date() >= NIGHT.date()


def test_a_redirection_inside_one_window_is_no_remark() -> None:
    topology, plan, _ = planned("03-pair-one-capable.yml", replication_minutes=20)
    timed = schedule(topology, plan, everywhere(topology, 600), TimePolicy())
    assert len(times(timed).windows) == 1
    assert timed.remarks == plan.remarks


def test_the_wait_for_replication_counts_but_not_in_the_reserve() -> None:
    topology, plan, _ = planned("03-pair-one-capable.yml")
    policy = TimePolicy(replication_minutes=topology.replication_minutes)
    step = next(s for s in plan.steps if s.kind is StepKind.ENABLE_REDIRECTION)
    assert policy.minutes(step) == 5 + 195 + 5
    assert policy.reserve(step) == 10


def two_pools_one_site() -> Farm:
    """Two pools of one server each in one site, free of each other."""
    drawn = farm(1, Draw(2, batches=(1, 1), arcs=0.0, minutes=(40, 40, 5)))
    site = "site000"
    second = next(p for p in drawn.topology.pools if p.site != site)
    moved = PoolId(site, "2007")
    pools = {
        (moved if p == second else p): dataclasses.replace(pool, id=moved if p == second else p)
        for p, pool in drawn.topology.pools.items()
    }
    steps = tuple(
        dataclasses.replace(step, pool=moved) if step.pool == second else step
        for step in drawn.plan.steps
    )
    topology = dataclasses.replace(drawn.topology, pools=pools, paths=())
    plan = dataclasses.replace(drawn.plan, steps=steps)
    return Farm(topology, plan, everywhere(topology, 240), drawn.policy)


def test_two_pools_of_a_site_are_never_both_away() -> None:
    drawn = two_pools_one_site()
    timed = schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)
    first, second, _ = times(timed).steps
    assert first.end <= second.start
    together = dataclasses.replace(second, start=first.start, end=first.end)
    rows = (first, together, times(timed).steps[2])
    both = dataclasses.replace(timed, schedule=dataclasses.replace(times(timed), steps=rows))
    (violation,) = check_timed(drawn.topology, both, RuleBook(())).violations
    assert "are both out of service" in violation.message


def test_batches_of_a_pool_keep_its_minimum_also_without_an_order() -> None:
    drawn = farm(3, Draw(1, batches=(4, 4), arcs=0.0))
    steps = tuple(
        dataclasses.replace(step, after=()) if step.servers else step for step in drawn.plan.steps
    )
    plan = dataclasses.replace(drawn.plan, steps=steps)
    timed = schedule(drawn.topology, plan, drawn.calendar, drawn.policy)
    assert check_timed(drawn.topology, timed, RuleBook(())).safe
    two = {
        pool: dataclasses.replace(entry, minimum_in_service=2)
        for pool, entry in drawn.topology.pools.items()
    }
    wider = dataclasses.replace(drawn.topology, pools=two, paths=())
    at_twos = schedule(wider, plan, drawn.calendar, drawn.policy)
    assert check_timed(wider, at_twos, RuleBook(())).safe
    assert times(at_twos).end < times(timed).end


def test_nothing_to_do_needs_no_windows() -> None:
    topology, plan, _ = planned("22-nothing-to-do.yml")
    assert schedule(topology, plan, Calendar("UTC", ()), TimePolicy()) == plan


def test_the_order_things_are_given_in_does_not_matter() -> None:
    drawn = farm(11, Draw(12, redirected=0.3, classes=3))
    expected = schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)
    shuffle = random.Random(1)
    for _ in range(3):
        groups = list(drawn.calendar.groups)
        shuffle.shuffle(groups)
        pools = list(drawn.topology.pools.items())
        shuffle.shuffle(pools)
        topology = dataclasses.replace(drawn.topology, pools=dict(pools))
        found = schedule(topology, drawn.plan, Calendar("UTC", tuple(groups)), drawn.policy)
        assert times(found).steps == times(expected).steps
        assert found.remarks == expected.remarks
        assert times(found).bound == times(expected).bound


_PRINT = """
import sys
sys.path.insert(0, sys.argv[1])
from support.timetables import Draw, farm
from orchestrator.planner.schedule import schedule
drawn = farm(5, Draw(15, redirected=0.4, classes=3, alone=True))
print(schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy).schedule)
"""


def test_hash_seeds_do_not_matter() -> None:
    tests = Path(__file__).parents[2]
    seen = {
        subprocess.run(
            [sys.executable, "-c", _PRINT, str(tests)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(seen) == 1
    assert b"upgrade-site" in seen.pop()
