"""The report: everything a board asks for is in it, names stay text, the same input same bytes."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.cases import Case, case_files, load_case
from support.pictures import HOSTILE, Page, case, hostile, planned, timed_plan

from orchestrator.checker import CheckReport, check
from orchestrator.errors import OrchestratorError
from orchestrator.execution.looks import Look
from orchestrator.journal.entry import Entry, Kind
from orchestrator.model.build import Build
from orchestrator.model.plan import Plan
from orchestrator.planfile import SavedPlan
from orchestrator.report.page import ReportInput, report_html
from orchestrator.report.page.grounds import SUPPORT_ENDED
from orchestrator.report.page.times import Times, latest_way_back
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import catalogue, rule_pack, zone

STARTED = datetime(2026, 3, 2, 22, tzinfo=UTC)


def given(found: Case, plan: Plan | None = None, entries: tuple[Entry, ...] = ()) -> ReportInput:
    plan = plan or planned(found)
    saved = SavedPlan(found.topology, plan, found.book.policy, found.goals)
    checked = check(found.topology, plan, found.book)
    return ReportInput(
        saved, found.book, checked, "d" * 64, catalogue(), zone, None, "because", entries
    )


def entries(plan: Plan, done: int) -> tuple[Entry, ...]:
    """A journal in which so many steps are done, each a minute longer than estimated."""
    now = STARTED
    rows: list[tuple[Kind, str | None, dict[str, object]]] = [
        (Kind.PLAN_APPROVED, None, {"digest": "d" * 64, "by": "somebody"}),
        (Kind.RUN_STARTED, None, {"who": {}}),
    ]
    found = []
    for kind, step, data in rows:
        found.append(Entry(len(found) + 1, now, kind, step, 1, data, "a" * 64))
    for step in plan.steps[:done]:
        found.append(Entry(len(found) + 1, now, Kind.STEP_STARTED, step.id, 1, {}, "b" * 64))
        now += timedelta(minutes=step.estimated_minutes + 1)
        found.append(Entry(len(found) + 1, now, Kind.STEP_SUCCEEDED, step.id, 1, {}, "c" * 64))
    data = {"reason": "<b>paused</b>"}
    found.append(Entry(len(found) + 1, now, Kind.RUN_STOPPED, None, 1, data, "e" * 64))
    return tuple(found)


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_every_case_with_a_plan_has_a_whole_report(path: Path) -> None:
    found = load_case(path)
    try:
        plan = planned(found)
    except OrchestratorError:
        return
    if not plan.steps:
        return
    page = Page(report_html(given(found, plan)))
    page.assert_inert()
    for step in plan.steps:
        for server in step.servers:
            assert server in page.words
        for part in step.reason.split("; "):
            assert " ".join(part.split()) in page.words
        if step.outage:
            assert f"{step.outage.users} users of {step.pool}" in page.words
        if not step.reversible:
            assert step.irreversible_because in page.words
    for name in plan.leans_on:
        rule = found.book.by_id[name]
        assert f"{rule.verdict} [{rule.confidence}], {name}" in page.words
        assert rule.references[0] in page.words
    for broken in found.book.broken_paths(found.topology, plan.start):
        assert f"{broken} ({broken.users} users)" in page.words
    for pool in found.topology.pools.values():
        assert not pool.hold or pool.hold in page.words
    for line in {pool.product_line for pool in found.topology.pools}:
        assert SUPPORT_ENDED.get(line, ("no date in this program",))[0] in page.words
    titles = ("Change number", "Implementer", "Approver", "Go / no-go", "Point of no return")
    for title in (*titles, "Out of scope", "Text for the help desk", "Outage per site"):
        assert title in page.words
    svgs = [a.get("aria-label") for tag, a in page.elements if tag == "svg"]
    for when in ("Before: ", "After: "):
        drawn = [label for label in svgs if label and label.startswith(when)]
        assert drawn or not found.topology.paths


def test_a_plan_the_checker_rejects_is_never_called_safe() -> None:
    found = case("02-seed-incident")
    wrong = given(found)
    broken = check(
        found.topology,
        dataclasses.replace(
            wrong.plan,
            steps=tuple(dataclasses.replace(s, after=()) for s in wrong.plan.steps),
        ),
        found.book,
    )
    assert broken.violations
    page = Page(report_html(dataclasses.replace(wrong, check=broken)))
    assert "NOT SAFE" in page.words
    assert "stops working by the rules" not in page.words


def test_the_same_input_gives_the_same_bytes_and_nothing_is_read_of_the_clock() -> None:
    found = case("02-seed-incident")
    assert report_html(given(found)) == report_html(given(case("02-seed-incident")))


@pytest.mark.parametrize("stem", ["03-pair-one-capable", "11-held-and-redirected"])
def test_hostile_names_stay_text(stem: str) -> None:
    found = hostile(case(stem))
    plan = planned(found)
    text = report_html(given(found, plan, entries(plan, 2)))
    page = Page(text)
    page.assert_inert()
    assert HOSTILE[0] in page.text
    assert "49" not in page.text.split("7*7")[0][-40:]
    assert "<script" not in text
    assert "\x00" not in text
    text.encode()


def test_with_windows_every_decision_has_its_time() -> None:
    topology, plan = timed_plan(3, 8)
    assert plan.schedule is not None
    saved = SavedPlan(topology, plan, RuleBook(()).policy, {})
    book = RuleBook(rule_pack())
    given_ = ReportInput(saved, book, CheckReport((), 0, 0), "d" * 64, catalogue(), zone)
    points = {point.name: point for point in Times(given_).points()}
    for number, _ in enumerate(plan.schedule.windows, 1):
        assert f"Go / no-go, window {number}" in points
        assert f"Latest rollback, window {number}" in points


def test_the_latest_rollback_leaves_time_for_what_was_begun_and_is_the_last_such_moment() -> None:
    topology, plan = timed_plan(3, 8)
    assert plan.schedule is not None
    saved = SavedPlan(topology, plan, RuleBook(()).policy, {})
    times = Times(ReportInput(saved, RuleBook(()), CheckReport((), 0, 0), "", catalogue(), zone))
    steps = {step.id: step for step in plan.steps}

    def fits(moment: datetime) -> bool:
        begun = [steps[t.step] for t in inside if t.start <= moment]
        return moment + timedelta(minutes=times.undo_minutes(begun)) <= window.end

    for window in plan.schedule.windows:
        inside = [t for t in plan.schedule.steps if window.start <= t.start < window.end]
        moment, _ = latest_way_back(times, window, inside, steps)
        minutes = range(window.minutes + 1)
        later = [window.start + timedelta(minutes=m) for m in minutes]
        good = [m for m in later if fits(m)]
        assert abs((max(good) - moment).total_seconds()) <= 60


def test_after_a_run_planned_stands_beside_actual() -> None:
    found = case("02-seed-incident")
    plan = planned(found)
    page = Page(report_html(given(found, plan, entries(plan, 2))))
    page.assert_inert()
    assert "<b>paused</b>" in page.text
    first = plan.steps[0]
    assert f"{first.estimated_minutes + 1}.0 +1.0 1" in page.words
    looks = sum(step.looks for step in plan.steps)
    seen = sum(step.looks for step in plan.steps[:2])
    assert f"{seen} of {looks} planned looks were taken" in page.words
    assert "e" * 64 in page.words
    assert "As it stands: owa" in page.words
    assert f"2 of {len(plan.steps)} steps done" in page.words
    before = Page(report_html(given(found, plan)))
    assert "What came of it" not in before.words


def test_it_says_whether_it_departs_from_the_standing_advice_and_why() -> None:
    found = case("02-seed-incident")
    facing = {
        name: dataclasses.replace(site, internet_facing=name == "paris")
        for name, site in found.topology.sites.items()
    }
    inward = dataclasses.replace(found, topology=dataclasses.replace(found.topology, sites=facing))
    page = Page(report_html(given(inward)))
    assert "Differs from Microsoft's Internet-facing-first advice because" in page.words
    assert "owa-cookie-ru1-to-older-2010 [doc]" in page.words.split("standing advice")[1]
    outside = dataclasses.replace(
        found,
        topology=dataclasses.replace(
            found.topology,
            sites={n: dataclasses.replace(s, internet_facing=False) for n, s in facing.items()},
        ),
    )
    assert "Differs from" not in Page(report_html(given(outside))).words


def test_builds_are_named_as_people_name_them() -> None:
    found = case("02-seed-incident")
    page = Page(report_html(given(found)))
    for build in found.goals.values():
        assert catalogue().name(Build.parse(str(build))) in page.words


def test_coverage_names_what_was_seen_before_and_last_and_who_answered() -> None:
    found = case("02-seed-incident")
    plan = planned(found)
    probe = next(p for step in plan.steps for p in step.probes)
    source, target = probe.sources[0], found.topology.pools[probe.target]
    path = f"{found.topology.servers[source].pool} -> {probe.target} ({probe.protocol})"
    wanted = ("one", "two")

    def look(outcome: str, seen: tuple[str, ...]) -> dict[str, object]:
        return Look(path, source, outcome, seen, wanted).data()

    assert target.servers
    rows = [
        (Kind.BASELINE_PROBED, {"paths": [look("broken", ())]}),
        (Kind.PATHS_PROBED, {"paths": [look("proxied", ("one",))]}),
    ]
    written = tuple(
        Entry(n, STARTED, kind, None, 1, data, "f" * 64) for n, (kind, data) in enumerate(rows, 1)
    )
    words = Page(report_html(given(found, plan, written))).words
    assert f"{path} {source} broken proxied 1 of 2; not seen: two 1" in words
    assert "1 looks, 1 of them at paths that do not work" in words
