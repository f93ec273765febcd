"""`status`, `journal` and `pause` on a real plan folder whose journal is written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from orchestrator.cli.main import main
from orchestrator.execution.clock import SystemClock
from orchestrator.execution.who import Who
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.report.documents import schema_of

FARM = Path(__file__).parents[2] / "crash" / "farm"
REDIRECT, UPGRADE = "enable-redirection-madrid-2010-owa", "upgrade-rome-2010-1"
URL = "https://mail-madrid.contoso.example/owa"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned") / "plan"
    goals = ["--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7"]
    # The secrets it would need to reach a host are not looked at.
    words = ["plan", "-i", str(FARM), "-e", "exchange_secrets_folder=/nowhere", *goals]
    assert main([*words, "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(planned: Path) -> Iterator[Path]:
    yield planned
    for path in planned.glob(f"{JOURNAL_NAME}*"):
        path.unlink()


def begin(journal: Journal, who: Who) -> None:
    journal.append(Kind.PLAN_APPROVED, digest="abc", by="ada", host=who.host)
    journal.append(Kind.RUN_STARTED, digest="abc", who=who.data())
    journal.append(Kind.STEP_STARTED, REDIRECT)
    journal.append(Kind.STEP_SUCCEEDED, REDIRECT, seconds=3)
    journal.append(Kind.STEP_STARTED, UPGRADE)


def died(folder: Path) -> None:
    with Journal.open(folder / JOURNAL_NAME, clock=SystemClock()) as journal:
        begin(journal, replace(Who.here(), identity="earlier-boot/17"))


def test_a_plan_that_was_never_begun(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(folder)]) == 0
    assert "Not begun: 7 steps, none of them applied." in capsys.readouterr().out
    assert main(["journal", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "there is no journal" in said
    assert "nothing was applied yet" in said
    assert main(["pause", str(folder)]) == 1
    assert not (folder / JOURNAL_NAME).exists()


def test_while_a_run_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal.open(folder / JOURNAL_NAME, clock=SystemClock()) as journal:
        begin(journal, Who.here())
        assert main(["status", str(folder)]) == 0
        said = capsys.readouterr().out
        assert f"Running: process {Who.here().pid}" in said
        assert f"orchestrator pause {folder}" in said
        assert f"mad-cas-01: {URL} (step restore-proxying-madrid-2010-owa turns it off)" in said
        assert main(["pause", str(folder)]) == 0
        assert main(["status", str(folder)]) == 0
        assert "asked for a pause: it stops before its next step" in capsys.readouterr().out
        # The run goes on writing where the other process has written.
        journal.append(Kind.STEP_SUCCEEDED, UPGRADE, seconds=5)
        journal.verify()
        assert [e.kind for e in journal.entries(after=5)] == ["pause-requested", "step-succeeded"]


def test_a_run_that_died(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    died(folder)
    assert main(["status", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "has died without writing an end" in said
    assert f"orchestrator resume {folder} -i INVENTORY --take-over" in said
    assert main(["pause", str(folder)]) == 1
    assert "no run of" in capsys.readouterr().err
    assert main(["status", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema_of("status"))
    assert (told["running"], told["finished"]) == (False, False)
    assert [s["status"] for s in told["steps"]] == ["succeeded", "started", *["pending"] * 5]
    assert len(told["redirections"]) == 1


def test_the_journal_as_lines_and_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    died(folder)
    assert main(["journal", str(folder), "--verify"]) == 0
    assert "5 entries, every one as it was written" in capsys.readouterr().out
    assert main(["journal", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert f"step-succeeded {REDIRECT}  seconds: 3" in lines[3]
    assert main(["journal", str(folder), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for row in rows:
        jsonschema.validate(row, schema_of("journal"))
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[3]["data"] == {"seconds": 3}


@pytest.mark.parametrize("command", [["journal"], ["journal", "--verify"], ["status"], ["pause"]])
def test_a_damaged_file_is_said_in_one_sentence(
    folder: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / JOURNAL_NAME).write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert main([command[0], str(folder), *command[1:]]) == 1
    said = capsys.readouterr().err
    assert "cannot use the journal" in said
    assert "keep the file as evidence" in said


def test_an_entry_changed_behind_its_back_is_found(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    died(folder)
    with Journal.open(folder / JOURNAL_NAME, clock=SystemClock()) as journal:
        journal._connection.execute("DROP TRIGGER entries_unchanged")
        journal._connection.execute("UPDATE entries SET data = '{broken' WHERE seq = 4")
    for command in (["journal", "--verify"], ["status"]):
        assert main([command[0], str(folder), *command[1:]]) == 1
        assert "entry 4 was changed, added or removed" in capsys.readouterr().err
    assert main(["journal", str(folder)]) == 1
    assert "is not as it was written" in capsys.readouterr().err
