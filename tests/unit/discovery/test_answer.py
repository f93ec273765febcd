"""One answer: never more than the evidence says, and what is not known is called so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.cli.reading_progress import progress_line
from orchestrator.diagnostic import Place
from orchestrator.discovery.answer import BUILD_NOT_KNOWN, SEEN_FAILING, Builds, answer
from orchestrator.discovery.evidence import (
    BuildEvidence,
    EventEvidence,
    Evidence,
    FileRead,
    Meaning,
    PathEvidence,
    Sighting,
    UserEvidence,
)
from orchestrator.discovery.profile import profile
from orchestrator.model.build import Build
from orchestrator.model.topology import PoolId, Protocol
from orchestrator.report.observed import headline
from orchestrator.rules.engine import RuleBook
from orchestrator.rules.rule import Confidence, Verdict
from orchestrator.shipped import rule_pack

BOOK = RuleBook(rule_pack())
RU1, OLD, RU2 = Build(14, 2, 283, 3), Build(14, 2, 247, 5), Build(14, 2, 298, 4)
DAY = datetime(2012, 2, 20, tzinfo=UTC)


def seen(days: int = 0, count: int = 1) -> Sighting:
    return Sighting(
        Place("a.log", 1), count, DAY + timedelta(days=days), DAY + timedelta(days=days)
    )


def path(source: str, target: str, users: int | None = None) -> PathEvidence:
    return PathEvidence(source, target, Protocol.OWA, seen(), Confidence.INFER, "c-ip", {}, users)


def cookie(server: str, days: int = 0, count: int = 3) -> EventEvidence:
    return EventEvidence(
        *(server, "MSExchange Common", 4999, Meaning.COOKIE),
        *(seen(days, count), Confidence.DOC, (RU1,)),
    )


def test_nothing_found_is_not_known_never_ok() -> None:
    found = answer(Evidence(), Builds(), BOOK)
    assert found.verdict is Verdict.UNKNOWN
    text = headline(found, Evidence(files=(FileRead("a.evtx", "evtx", 1, 12, 0),)))
    assert text.startswith("Affected: not known.")
    assert "12 records of 1 event logs, which proves nothing" in text


def test_a_path_between_unknown_builds_is_unknown() -> None:
    found = answer(Evidence(paths=(path("par", "ber"),)), Builds(), BOOK)
    assert [p.judgement.rule for p in found.paths] == [BUILD_NOT_KNOWN]
    assert found.verdict is Verdict.UNKNOWN


def test_known_builds_are_judged_by_the_rules() -> None:
    known = Builds({"par": RU2, "ber": RU1, "old": OLD})
    evidence = Evidence(paths=(path("par", "ber"), path("par", "old")))
    found = answer(evidence, known, BOOK)
    assert [(p.target, p.judgement.verdict) for p in found.paths] == [
        ("old", Verdict.UNKNOWN),
        ("ber", Verdict.OK),
    ]


def test_a_path_broken_by_the_rules_is_broken_without_any_event() -> None:
    known = Builds({"par": RU1, "ber": OLD})
    found = answer(Evidence(paths=(path("par", "ber"),)), known, BOOK)
    assert found.verdict is Verdict.BROKEN
    assert "no event says so" in headline(found, Evidence())


def test_the_event_blames_the_only_path_of_its_source() -> None:
    evidence = Evidence(paths=(path("par", "ber"), path("mad", "ber")), events=(cookie("par"),))
    found = answer(evidence, Builds(), BOOK)
    assert [(p.source, p.judgement.rule) for p in found.paths] == [
        ("par", SEEN_FAILING),
        ("mad", BUILD_NOT_KNOWN),
    ]
    (source,) = found.affected
    assert source.targets == ("ber",)
    assert {rule.id for rule in source.rules} == {
        "owa-cookie-ru1-to-older-2010",
        "owa-cookie-ru1-to-2007",
    }


def test_of_several_paths_those_that_work_are_not_blamed() -> None:
    evidence = Evidence(paths=(path("par", "new"), path("par", "old")), events=(cookie("par"),))
    found = answer(evidence, Builds({"par": RU1, "new": RU1, "old": OLD}), BOOK)
    assert found.affected[0].targets == ("old",)
    blind = answer(evidence, Builds(), BOOK)
    assert blind.affected[0].targets == ("new", "old")
    assert {p.judgement.rule for p in blind.paths} == {BUILD_NOT_KNOWN}


def test_the_longest_affected_comes_first_and_says_since_when() -> None:
    evidence = Evidence(events=(cookie("par", 4), cookie("mad", 1, 2), cookie("mad", 2, 5)))
    found = answer(evidence, Builds(), BOOK)
    assert [source.server for source in found.affected] == ["mad", "par"]
    assert found.affected[0].sighting.count == 7
    text = headline(found, evidence)
    assert "since 2012-02-21 00:00 UTC, at least 10 times" in text
    assert "Users: not known" in text


def test_users_by_name_on_the_paths_go_before_an_upper_bound() -> None:
    people = (UserEvidence("par", 900, exact=True, sighting=seen()),)
    evidence = Evidence(paths=(path("par", "ber", 40),), events=(cookie("par"),), users=people)
    assert "Users: 40 by name" in headline(answer(evidence, Builds(), BOOK), evidence)
    evidence = Evidence(paths=(path("par", "ber"),), events=(cookie("par"),), users=people)
    assert "Users: at most 900" in headline(answer(evidence, Builds(), BOOK), evidence)


def test_declared_users_of_the_path_go_before_everybody_who_logged_on() -> None:
    paris, berlin = PoolId("paris", "2010"), PoolId("berlin", "2010")
    people = (UserEvidence("par-2", 900, exact=True, sighting=seen()),)
    evidence = Evidence(
        paths=(path("par-1", "ber"), path("par-2", "ber")),
        events=(cookie("par-1"), cookie("par-2")),
        users=people,
    )
    known = Builds({}, {"par-1": paris, "par-2": paris, "ber": berlin}, "", {(paris, berlin): 320})
    found = answer(evidence, known, BOOK)
    assert found.declared == (("paris/2010 -> berlin/2010", 320),)  # once, not for each server
    assert "Users: 320 as declared for paris/2010 -> berlin/2010" in headline(found, evidence)


def test_the_newest_build_seen_counts_and_an_inventory_goes_before_it() -> None:
    builds = (
        BuildEvidence("par", RU2, seen(9), Confidence.DOC, "event"),
        BuildEvidence("par", RU1, seen(0), Confidence.DOC, "event"),
    )
    evidence = Evidence(paths=(path("par", "ber"),), builds=builds)
    assert answer(evidence, Builds(), BOOK).paths[0].source_build == RU2
    assert answer(evidence, Builds({"par": OLD}), BOOK).paths[0].source_build == OLD


def test_hours_of_the_week_in_the_site_s_time() -> None:
    monday = int(datetime(2012, 2, 20, 7, tzinfo=UTC).timestamp()) // 3600
    hours = {monday: 10, monday + 24: 4, monday + 7 * 24: 20, monday + 14 * 24: 0}
    found = profile([hours, {monday: 2}], ZoneInfo("Europe/Berlin"))
    busiest = found.busiest()
    assert busiest is not None
    assert (busiest.day, busiest.hour) == ("Mon", 8)
    assert busiest.log_ons == 32 / 3
    assert found.whole
    quietest = found.quietest(4)
    assert quietest is not None
    assert quietest.log_ons == 0


def test_hours_no_log_covers_are_no_quiet_hours() -> None:
    found = profile([{0: 5, 1: 3}], UTC)  # 1970-01-01, a Thursday
    assert not found.whole
    assert found.quietest(4) is None
    quietest = found.quietest(1)
    assert quietest is not None
    assert (quietest.day, quietest.hour, quietest.log_ons) == ("Thu", 1, 3)
    assert profile([], UTC).busiest() is None


def test_progress_estimates_only_what_takes_over_a_minute() -> None:
    assert progress_line("x", 5_000_000, 10_000_000, 5) == "Reading x: 5.0 of 10.0 MB"
    assert progress_line("x", 1_000_000, 100_000_000, 5).endswith("about 8 min left")
    assert progress_line("x", 0, 100, 5) == "Reading x: 0.0 of 0.0 MB"
