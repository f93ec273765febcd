"""Plan and diagnosis on terminals of any width: every step, server and path, no line too long."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from support.cases import FOLDER, load_case
from support.pictures import case, planned, timed_plan

from orchestrator.checker import check
from orchestrator.graph import diagnose
from orchestrator.planner import make_plan
from orchestrator.report.console import PlainConsole, WrappingConsole
from orchestrator.report.diagnosis import print_diagnosis
from orchestrator.report.plan_table import print_plan
from orchestrator.report.timetable import print_timetable
from orchestrator.shipped import catalogue, zone

WIDTHS = [40, 60, 80, 99, 120]


def terminal(width: int) -> Console:
    return WrappingConsole(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None, highlight=False
    )


def said(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def squeezed(lines: list[str]) -> str:
    return "".join("".join(lines).replace("│", "").split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_plan_fits_and_is_whole(width: int) -> None:
    found = case()
    plan = planned(found)
    console = terminal(width)
    report = check(found.topology, plan, found.book)
    print_plan(console, found.topology, plan, found.book, catalogue(), report)
    lines = said(console)
    assert all(len(line) <= width for line in lines)
    for step in plan.steps:
        assert step.id in squeezed(lines)
        if width < 100:
            for server in step.servers:
                assert server in squeezed(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_diagnosis_fits_and_is_whole(width: int) -> None:
    found = case("02-seed-incident")
    console = terminal(width)
    print_diagnosis(console, diagnose(found.topology, found.start, found.book), basis="test")
    lines = said(console)
    assert all(len(line) <= width for line in lines)
    for path in found.topology.paths:
        assert str(path.source) in squeezed(lines)
        assert str(path.target) in squeezed(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_timetable_fits_and_is_whole(width: int) -> None:
    _, plan = timed_plan()
    console = terminal(width)
    print_timetable(console, plan, zone)
    lines = said(console)
    assert all(len(line) <= width for line in lines)
    for step in plan.steps:
        assert step.id in squeezed(lines) or width >= 100


@pytest.mark.parametrize("width", [80, 120])
def test_a_step_that_sees_the_clock_put_back_does_not_seem_to_end_before_it_begins(
    width: int,
) -> None:
    found = load_case(FOLDER / "116-autumn-night-is-longer.yml")
    asked = (found.topology, found.start, found.end, found.book, catalogue())
    plan = make_plan(*asked, timing=found.timing)
    console = terminal(width)
    print_timetable(console, plan, zone)
    (line,) = [line for line in said(console) if "22:00 +0200" in line and "upgrade-rome" in line]
    assert "02:55 +0100" in line
    (line,) = [line for line in said(console) if "03:00 +0100" in line and "upgrade-paris" in line]
    assert line.count("+0100") == 1


def test_plain_lines_are_as_long_as_they_need_to_be() -> None:
    found = case()
    plan = planned(found)
    console = PlainConsole(file=io.StringIO(), width=10_000, color_system=None)
    report = check(found.topology, plan, found.book)
    print_plan(console, found.topology, plan, found.book, catalogue(), report)
    rows = [line.split("\t") for line in said(console) if "\t" in line]
    assert len(rows) == len(plan.steps) + 1
    assert {len(row) for row in rows} == {8}
