"""`graph` and `report` on a plan folder as `plan` writes it; what `check` says of the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pictures import Page, parsed

from orchestrator.execution.clock import SystemClock
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest, read_plan

Run = Callable[..., tuple[int, str, str]]


def test_plan_writes_a_report_that_is_made_again_byte_for_byte(plan: Path, run: Run) -> None:
    file = plan / "report.html"
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    page.assert_inert()
    assert digest(plan) in page.words
    file.unlink()
    assert run("report", plan)[0] == 0
    assert file.read_text(encoding="utf-8") == text


def test_the_report_is_not_part_of_the_digest_but_check_reads_it(plan: Path, run: Run) -> None:
    mark = digest(plan)
    file = plan / "report.html"
    file.write_text(file.read_text(encoding="utf-8").replace("users", "nobody"))
    assert digest(plan) == mark
    code, out, _ = run("check", plan)
    assert code == 3
    assert "report.html is not what the plan says" in out
    run("report", plan)
    assert run("check", plan)[0] == 0
    file.unlink()
    assert run("check", plan)[0] == 0


def test_a_report_that_names_entries_no_journal_has_is_a_fault(plan: Path, run: Run) -> None:
    file = plan / "report.html"
    text = file.read_text(encoding="utf-8")
    named = '<meta name="orchestrator-journal" content="0">'
    assert named in text
    file.write_text(text.replace(named, named.replace("0", "7")))
    assert run("check", plan)[0] == 3


def test_a_report_older_than_the_journal_is_no_fault_but_one_of_other_entries_is(
    plan: Path, run: Run
) -> None:
    mark = digest(plan)
    with Journal.open(plan / JOURNAL_NAME, clock=SystemClock()) as journal:
        journal.append(Kind.PLAN_APPROVED, digest=mark, by="somebody")
        journal.append(Kind.RUN_STARTED, digest=mark, steps=[], who={})
    assert run("report", plan)[0] == 0
    file = plan / "report.html"
    text = file.read_text(encoding="utf-8")
    assert "What came of it" in text
    with Journal.open(plan / JOURNAL_NAME, clock=SystemClock()) as journal:
        journal.append(Kind.RUN_STOPPED, reason="paused")
    assert run("check", plan)[0] == 0
    named = '<meta name="orchestrator-journal" content="2">'
    file.write_text(text.replace(named, named.replace("2", "1")))
    assert run("check", plan)[0] == 3


def test_report_can_go_elsewhere(plan: Path, run: Run, tmp_path: Path) -> None:
    code, out, _ = run("report", plan, "-o", tmp_path / "r.html")
    assert (code, str(tmp_path / "r.html") in out) == (0, True)
    assert (tmp_path / "r.html").read_bytes() == (plan / "report.html").read_bytes()


def test_states_of_a_plan_are_drawn_each_as_it_is(plan: Path, run: Run) -> None:
    saved = read_plan(plan)
    code, before, _ = run("graph", plan, "--format", "json")
    assert code == 0
    assert json.loads(before)["schema_version"] == 1
    assert run("graph", plan, "--format", "json", "--before")[1] == before
    after = run("graph", plan, "--format", "json", "--after")[1]
    last = saved.plan.steps[-1].id
    by_step = run("graph", plan, "--format", "json", "--after-step", last)[1]
    assert json.loads(by_step)["boxes"] == json.loads(after)["boxes"]
    assert json.loads(before)["boxes"] != json.loads(after)["boxes"]
    first = run("graph", plan, "--format", "json", "--after-step", "1")[1]
    assert f"after step 1, {saved.plan.steps[0].id}" in json.loads(first)["title"]


def test_every_form_is_what_it_says(plan: Path, run: Run, tmp_path: Path) -> None:
    assert run("graph", plan)[1].startswith("<svg ")
    parsed(run("graph", plan)[1])
    assert run("graph", plan, "--format", "dot")[1].startswith("digraph ")
    assert run("graph", plan, "--format", "mermaid")[1].startswith("graph LR\n")
    code, out, _ = run("graph", plan, "-o", tmp_path / "g.svg")
    assert (code, out) == (0, "")
    parsed((tmp_path / "g.svg").read_text(encoding="utf-8"))
    assert run("graph", plan, "-o", tmp_path / "g.svg")[0] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("--site", "nowhere"),
        ("--pool", "nowhere/2010"),
        ("--after-step", "99"),
        ("--after", "--before"),
        ("-i", "somewhere"),
    ],
)
def test_what_is_not_there_is_named(plan: Path, run: Run, wrong: tuple[str, ...]) -> None:
    code, out, err = run("graph", plan, *wrong)
    assert (code, out) == (1, "")
    assert err


def test_nothing_to_draw_is_said(run: Run) -> None:
    assert run("graph")[0] == 1
