"""Options that a saved plan makes meaningless are refused before anything is looked at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.examples import contoso

from orchestrator.cli.main import main

GOALS = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7")
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example without what a run beside it may have left."""
    return contoso(tmp_path_factory.mktemp("farm") / "contoso")


@pytest.fixture(scope="module")
def timed(farm: Path) -> Path:
    folder = farm.parent / "timed"
    windows = str(farm / "windows.yml")
    assert main(["plan", "-i", str(farm), *GOALS, "--windows", windows, "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def untimed(farm: Path) -> Path:
    folder = farm.parent / "untimed"
    assert main(["plan", "-i", str(farm), *GOALS, "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def refused(farm: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    def run(*words: str, ends: int = 1) -> str:
        capsys.readouterr()
        assert main([*words, "-i", str(farm)]) == ends
        return " ".join(capsys.readouterr().err.split())

    return run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--windows", "w.yml"], "has times of its own, which were approved with it"),
        (["--max-parallel", "4"], "approved for at most 3 steps at once"),
    ],
)
def test_a_plan_with_times_keeps_them(
    farm: Path, timed: Path, refused: Refused, options: list[str], said: str
) -> None:
    assert said in refused("apply", str(timed), *options)
    assert not (timed / "journal.sqlite3").exists()
    assert not (farm / ".orchestrator").exists()


def test_there_must_be_a_window_to_wait_for(untimed: Path, refused: Refused) -> None:
    assert "no window to wait for" in refused("apply", str(untimed), "--wait")
    assert "there is nothing to resume" in refused("resume", str(untimed), "--wait")


def test_a_windows_file_with_faults_is_refused_first(
    untimed: Path, refused: Refused, tmp_path: Path
) -> None:
    file = tmp_path / "w.yml"
    file.write_text("version: 1\nzone: Europe/Pari\nfrom: 2026-11-07\nwindows: []\n")
    said = refused("apply", str(untimed), "--windows", str(file))
    assert "CAS-E60" in said
    assert not (untimed / "journal.sqlite3").exists()


@pytest.mark.parametrize("word", ["--to", "--accept", "--strict", "--live"])
def test_what_was_decided_when_the_plan_was_made_is_no_option_of_apply(
    untimed: Path, refused: Refused, word: str
) -> None:
    for command in ("apply", "resume"):
        assert f"No such option: {word}" in refused(command, str(untimed), word, "x")


def test_times_that_were_shifted_by_hand_are_found(
    timed: Path, refused: Refused, tmp_path: Path
) -> None:
    folder = tmp_path / "plan"
    shutil.copytree(timed, folder)
    document = json.loads((folder / "plan.json").read_text())
    row = document["schedule"]["steps"][0]
    row["start"], row["end"] = "2026-10-20T08:00Z", "2026-10-20T09:00Z"
    (folder / "plan.json").write_text(json.dumps(document))
    assert "lies in no window" in refused("apply", str(folder), ends=3)
