"""What is redirected, by what it costs: switches at a charge, users times hours."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from support.cases import FOLDER, Case, load_case, pool_id

from orchestrator.model.plan import Plan, StepKind
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy, Timing
from orchestrator.model.window import Window
from orchestrator.planner import make_plan
from orchestrator.planner.alternatives import cuts_in_order
from orchestrator.planner.constraints import order_arcs, path_facts
from orchestrator.planner.price import FORM, Cost
from orchestrator.planner.stops import shortest_ways
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue

STAR = "35-two-way-star-all-capable.yml"


def planned(case: Case, charge: int, timing: Timing | None = None) -> Plan:
    policy = dataclasses.replace(case.book.policy, switch_user_hours=charge)
    book = RuleBook(case.book.rules, policy)
    return make_plan(case.topology, case.start, case.end, book, catalogue(), timing=timing)


def redirected(plan: Plan) -> list[str]:
    return sorted(str(step.pool) for step in plan.steps if step.kind is StepKind.ENABLE_REDIRECTION)


def with_minutes(case: Case, pool: str, minutes: int) -> Case:
    servers = {
        name: dataclasses.replace(server, minutes=minutes)
        if server.pool == pool_id(pool)
        else server
        for name, server in case.topology.servers.items()
    }
    return dataclasses.replace(case, topology=dataclasses.replace(case.topology, servers=servers))


def test_a_charge_asks_for_few_switches_and_time_for_few_hours() -> None:
    """The hub alone, for as long as its slowest spoke takes; or three spokes, each for its own."""
    slow = with_minutes(load_case(FOLDER / STAR), "a/2010", 48 * 60)
    assert redirected(planned(slow, 10_000)) == ["hub/2010"]
    assert redirected(planned(slow, 0)) == ["a/2010", "b/2010", "c/2010"]
    assert "proven minimal" in planned(slow, 10_000).remarks[0]


def test_sets_of_labels_come_by_what_they_cost_and_none_holds_a_former_one() -> None:
    case = load_case(FOLDER / STAR)
    ways = shortest_ways(case.topology, case.start, case.end, catalogue(), {})
    arcs = order_arcs(path_facts(case.topology, case.start, case.end, case.book, ways))
    labels = {arc.label for arc in arcs}
    found = list(cuts_in_order(arcs, labels, case.topology.users_of))
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    sets = [frozenset(labels or ()) for _, labels in found]
    assert {frozenset(str(label.pool) for label in chosen) for chosen in sets} == {
        frozenset({"hub/2010"}),
        frozenset({"a/2010", "b/2010", "c/2010"}),
    }


def test_windows_have_a_say_in_what_is_redirected() -> None:
    """The address of the cheaper pool would stay on for a week, since its nights are short."""
    case = load_case(FOLDER / "04-pair-both-capable.yml")
    begin = datetime(2012, 4, 2, 20, tzinfo=UTC)
    week = timedelta(days=7)

    def nights(hours: int, weeks: int) -> tuple[Window, ...]:
        return tuple(
            Window(begin + n * week, begin + n * week + timedelta(hours=hours))
            for n in range(weeks)
        )

    def timing(**hours: int) -> Timing:
        groups = [SiteCalendar((site,), "UTC", nights(h, 20)) for site, h in sorted(hours.items())]
        policy = TimePolicy(reserve_minutes=0, replication_minutes=195)
        return Timing(Calendar("UTC", tuple(groups)), policy)

    sites = sorted(case.topology.sites)
    even = planned(case, 0, timing(**dict.fromkeys(sites, 20)))
    assert redirected(even) == ["rome/2010"]
    assert even.schedule is not None
    short = planned(case, 0, timing(**(dict.fromkeys(sites, 20) | {"rome": 4})))
    assert redirected(short) == ["madrid/2010"]


def test_words_say_the_cost_and_claim_no_more_than_the_bound() -> None:
    cost = Cost(switches=4, user_minutes=7_175 * 60, charge=1_000 * 60)
    assert cost.words(cost.total, "by timetable") == (
        "redirection: 4 switches and 7,175 user-hours by timetable, proven minimal at 1,000 "
        f"user-hours a switch {FORM}"
    )
    assert cost.words(10_000 * 60, "if no step waits") == (
        "redirection: 4 switches and 7,175 user-hours if no step waits: 11,175 at 1,000 a switch, "
        f"at most 11.8% above the minimum (at least 10,000) {FORM}"
    )
    assert "minimum" not in cost.words(0, "by timetable")
