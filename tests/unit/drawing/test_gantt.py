"""Gantt charts: every step once, where the schedule puts it; the now-line; what came of it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from support.cases import FOLDER, load_case
from support.pictures import assert_inert, case, hostile, parsed, planned, timed_plan

from orchestrator.drawing import element_id, gantt_svg, plan_chart
from orchestrator.journal.projection import RunView, StepView
from orchestrator.journal.steps import StepStatus
from orchestrator.planner import make_plan
from orchestrator.shipped import catalogue, zone


def bars(root):
    return {
        e.attrib["data-step"]: e
        for e in root.iter()
        if "bar" in e.attrib.get("class", "").split() and "data-step" in e.attrib
    }


@pytest.mark.parametrize(("seed", "pools"), [(1, 4), (2, 30)])
def test_every_timed_step_has_a_bar_where_the_schedule_puts_it(seed: int, pools: int) -> None:
    _, plan = timed_plan(seed, pools)
    assert plan.schedule is not None
    root = parsed(gantt_svg(plan_chart(plan, zone)))
    assert_inert(root)
    assert bars(root).keys() == {timed.step for timed in plan.schedule.steps}
    bands = [e for e in root.iter() if e.attrib.get("class") == "band"]
    assert len(bands) == len(plan.schedule.windows)
    for band in bands:
        begin = datetime.fromisoformat(band.attrib["data-begin"])
        scale = float(band.attrib["data-width"]) / float(band.attrib["data-minutes"])
        for name, bar in bars(band).items():
            (timed,) = [t for t in plan.schedule.steps if t.step == name]
            (box,) = [e for e in bar if e.attrib.get("class") == "estimate"]
            minutes = (timed.start - begin).total_seconds() / 60
            assert float(box.attrib["x"]) == pytest.approx(
                float(band.attrib["data-x"]) + minutes * scale, abs=0.06
            )
            assert bar.attrib["id"] == element_id("bar", name)


def test_the_now_line_stands_in_its_window_and_nowhere_else() -> None:
    _, plan = timed_plan()
    assert plan.schedule is not None
    first = plan.schedule.windows[0]
    chart = plan_chart(plan, zone)

    def lines(now):
        return [
            e.attrib.get("visibility", "shown")
            for e in parsed(gantt_svg(chart, now=now)).iter()
            if e.attrib.get("class") == "now"
        ]

    assert lines(None) == ["hidden"] * len(chart.bands)
    assert lines(first.start + timedelta(minutes=1)).count("shown") == 1
    assert lines(first.start - timedelta(days=400)).count("shown") == 0


def test_what_came_of_a_step_is_drawn_and_said() -> None:
    plan = planned(case())
    started = datetime(2026, 3, 2, 22, tzinfo=UTC)
    first, second = plan.steps[:2]
    run = RunView(
        started=started,
        steps={
            first.id: StepView(StepStatus.SUCCEEDED, 1, started, started + timedelta(minutes=7)),
            second.id: StepView(StepStatus.STARTED, 1, started + timedelta(minutes=7)),
        },
    )
    found = bars(parsed(gantt_svg(plan_chart(plan, zone, run))))
    assert "status-succeeded" in found[first.id].attrib["class"]
    assert "took 7.0 min" in found[first.id][0].text
    assert [e.get("class") for e in found[first.id]].count("actual") == 1
    assert "status-started" in found[second.id].attrib["class"]
    assert "status-pending" in found[plan.steps[2].id].attrib["class"]


def test_without_windows_steps_stand_one_after_another() -> None:
    plan = planned(case())
    (band,) = plan_chart(plan, zone).bands
    ends = [(bar.start, bar.end) for lane in band.lanes for bar in lane.bars]
    assert ends[0][0] == 0
    assert all(one[1] == then[0] for one, then in itertools.pairwise(ends))
    assert band.minutes == sum(step.estimated_minutes for step in plan.steps)


def test_hostile_names_stay_text() -> None:
    found = hostile(case())
    svg = gantt_svg(plan_chart(planned(found), zone))
    assert_inert(parsed(svg))
    assert "<script" not in svg


@pytest.mark.parametrize(("name", "copied"), [("73", True), ("03", False)])
def test_a_copy_has_a_bar_of_its_own_kind_and_a_word_for_it(name: str, copied: bool) -> None:
    (path,) = FOLDER.glob(f"{name}-*.yml")
    found = load_case(path)
    plan = make_plan(found.topology, found.start, found.end, found.book, catalogue())
    svg = gantt_svg(plan_chart(plan, zone))
    assert ("version folder copied" in svg) is copied
    assert ("kind-copy-owa-resources" in svg) is copied
