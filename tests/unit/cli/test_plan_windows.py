"""`orchestrator plan --windows` on the worked example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.examples import contoso

from orchestrator.checker import check_timed
from orchestrator.cli.main import main
from orchestrator.planfile import read_plan
from orchestrator.rules.engine import RuleBook
from orchestrator.shipped import rule_pack

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    return contoso(tmp_path / "contoso")


def test_the_plan_has_times_and_the_table_shows_them(
    farm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan"
    assert (
        main(
            [
                "plan",
                "-i",
                str(farm),
                *GOALS,
                "--windows",
                str(farm / "windows.yml"),
                "-o",
                str(out),
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "Window 1: Sat 2026-10-24 22:00 +0200" in said
    assert "no schedule of these steps has fewer" in said.replace("\n", " ")
    assert "Europe/Lisbon" in said
    saved = read_plan(out)
    assert saved.plan.schedule is not None
    book = RuleBook(rule_pack(), saved.policy)
    report = check_timed(saved.topology, saved.plan, book)
    assert report.safe
    assert report.states > 0
    data = json.loads((out / "plan.json").read_text())
    assert [row["id"] for row in data["schedule"]["steps"]][-1] == "verify-all-paths"
    assert "schedule" not in json.loads((out / "rollback" / "plan.json").read_text())


def test_without_windows_the_plan_says_nothing_of_times(farm: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan"
    assert main(["plan", "-i", str(farm), *GOALS, "-o", str(out)]) == 0
    assert "schedule" not in json.loads((out / "plan.json").read_text())


def test_windows_too_short_are_exit_3_and_nothing_is_written(
    farm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (farm / "windows.yml").read_text().replace("duration: 6h", "duration: 60m")
    (tmp_path / "w.yml").write_text(text)
    code = main(
        [
            "plan",
            "-i",
            str(farm),
            *GOALS,
            "--windows",
            str(tmp_path / "w.yml"),
            "-o",
            str(tmp_path / "plan"),
        ]
    )
    assert code == 3
    said = capsys.readouterr()
    assert "the longest window of madrid has 60" in said.out + said.err
    assert not (tmp_path / "plan").exists()


def test_a_fault_in_the_file_is_exit_1_with_its_line(
    farm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (farm / "windows.yml").read_text().replace('"22:00"', "1320")
    (tmp_path / "w.yml").write_text(text)
    assert main(["plan", "-i", str(farm), *GOALS, "--windows", str(tmp_path / "w.yml")]) == 1
    said = capsys.readouterr()
    assert "w.yml:12" in said.out + said.err
    assert "Traceback" not in said.out + said.err
