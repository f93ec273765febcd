"""What redirections cost with all they enclose, counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.cases import FOLDER, load_case, pool_id

from orchestrator.errors import NoSafePlan
from orchestrator.model.plan import Plan
from orchestrator.model.schedule import Calendar, SiteCalendar, TimePolicy, Timing
from orchestrator.model.topology import Label, Protocol
from orchestrator.model.window import Window
from orchestrator.planner import decisions, make_plan
from orchestrator.planner.orders import Order
from orchestrator.planner.question import Core
from orchestrator.planner.schedule import schedule
from orchestrator.planner.spans import Row, Spans
from orchestrator.shipped import catalogue

HOUR = 60
DAY = 24 * HOUR
CASE = load_case(FOLDER / "04-pair-both-capable.yml")
SWITCH = 5 + CASE.topology.replication_minutes
ROME, MADRID = pool_id("rome/2010"), pool_id("madrid/2010")


def nights(day: int, weeks: int = 10) -> tuple[Window, ...]:
    first = datetime(2012, 4, 2, 20, tzinfo=UTC) + timedelta(days=day)
    starts = [first + timedelta(weeks=n) for n in range(weeks)]
    return tuple(Window(start, start + timedelta(hours=10)) for start in starts)


def timing(rome: int, madrid: int) -> Timing:
    """Ten hours from 20:00 on some day of the week; a way back takes no room."""
    groups = (
        SiteCalendar(("rome",), "UTC", nights(rome)),
        SiteCalendar(("madrid",), "UTC", nights(madrid)),
    )
    return Timing(Calendar("UTC", groups), TimePolicy(5, 0, 0, 60))


def planned(when: Timing) -> Plan:
    return make_plan(
        CASE.topology, CASE.start, CASE.end, CASE.book, catalogue(), pilot=False, timing=when
    )


def core_of(when: Timing, monkeypatch: pytest.MonkeyPatch) -> Core:
    seen: list[Core] = []

    def keep(core: Core) -> decisions.Decisions:
        seen.append(core)
        return decisions.Decisions(core)

    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.planner.make.Decisions", keep)
        planned(when)
    return seen[0]


def test_a_redirection_encloses_the_other_site_and_waits_for_its_night(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On at the end of one night, the other site days later, its own and off a week after."""
    core = core_of(timing(0, 5), monkeypatch)
    found = list(decisions.Decisions(core).sets())
    costs = {labels: least for least, labels in found}
    assert [least for least, _ in found] == sorted(least for least, _ in found)
    for pool in (ROME, MADRID):
        label = Label(pool, Protocol.OWA)
        (changes,) = core.chains[pool].values()
        minutes = sum(batch.minutes for batch in changes)
        length = 7 * DAY - 10 * HOUR + SWITCH + minutes + SWITCH
        users = core.topology.users_of(label)
        assert costs[(label,)] == 2 * core.charge + users * length


def test_the_plan_is_proven_minimal_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.planner.core.library", lambda: None)
    assert "proven minimal" in planned(timing(0, 5)).remarks[0]


def test_a_search_that_ends_early_still_has_labels_and_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    core = core_of(timing(0, 5), monkeypatch)
    full = next(decisions.Decisions(core).sets())
    monkeypatch.setattr(decisions, "MOST_DECIDED", 1)
    search = decisions.Decisions(core)
    (least, labels), last = search.sets()
    assert search.given_up
    assert labels
    assert last == (least, None)
    assert least <= full[0]
    assert planned(timing(0, 5)).remarks[0].startswith("redirection: 2 switches")


def test_redirections_that_follow_each_other_cover_all_between() -> None:
    spans = Spans(CASE.topology, timing(0, 5))
    rows = [Row(ROME, (30,), ()), Row(MADRID, (30,), ())]
    # In any order: from one night to the other, five days or two.
    apart = 2 * DAY - 10 * HOUR + 30 + 30
    assert spans.cover((), rows) == apart
    # Each switch once, at the beginning and in the end, whoever is redirected.
    assert spans.cover((ROME, MADRID), rows) == apart + 2 * SWITCH
    later = [rows[0], Row(MADRID, (30,), (0,))]
    assert spans.cover((), later) == 5 * DAY - 10 * HOUR + 30 + 30
    begun = [rows[0], Row(MADRID, (30,), (0,), begun=True)]
    assert spans.cover((), begun) == 5 * DAY - 10 * HOUR + 30 + 1


def test_an_order_knows_what_lies_between() -> None:
    order = Order(5, [(0, 1), (1, 2), (3, 2)])
    assert not order.cyclic
    assert order.between(frozenset({0}), frozenset({2})) == {0, 1, 2}
    assert order.between(frozenset({0, 4}), frozenset({1, 4})) == {0, 1, 4}
    assert order.nearest(2, [0, 1, 3]) == [1, 3]
    assert order.sorted({2, 1, 0}) == [0, 1, 2]
    assert Order(2, [(0, 1), (1, 0)]).cyclic


def test_a_large_core_whose_sets_are_too_many_is_planned_with_the_cheapest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was a traceback: the search ended at its limit before the first set."""
    monkeypatch.setattr("orchestrator.planner.make.MOST_STEPS", 0)
    monkeypatch.setattr("orchestrator.planner.alternatives.MOST_LOOKED_AT", 1)
    assert planned(timing(0, 5)).remarks[0].startswith("redirection: 2 switches")


def test_a_set_for_which_no_timetable_was_found_still_bounds_the_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """List scheduling may miss a timetable; the next set of labels is not proven by that."""
    refused: list[str] = []

    def once(*given: object, **more: object) -> Plan:
        if not refused:
            refused.append("the cheapest set")
            raise NoSafePlan("no order tried fits")
        return schedule(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("orchestrator.planner.core.library", lambda: None)
    monkeypatch.setattr("orchestrator.planner.choice.schedule", once)
    words = planned(timing(0, 5)).remarks[0]
    assert refused
    assert "above the minimum" in words
