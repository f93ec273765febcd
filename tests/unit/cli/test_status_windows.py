"""What a person reads of a run that waits for its window, and of looks at paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pretended import FakeClock

from orchestrator.cli.main import main
from orchestrator.journal.entry import Kind
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.report.journal import entry_text

LEAVES = Path(__file__).parents[2] / "crash" / "leaves"
OPENS = "2026-11-14T21:00:00+00:00"


@pytest.fixture
def paused(tmp_path: Path) -> Path:
    folder = tmp_path / "plan"
    words = ("--to", "2010 SP2 RU2", "--to", "2007 SP3 RU7", "-o", str(folder))
    assert main(["plan", "-i", str(LEAVES), *words]) == 0
    with Journal.open(folder / JOURNAL_NAME, clock=FakeClock()) as journal:
        journal.append(Kind.PLAN_APPROVED, digest="abc", by="ada", host="node-1")
        journal.append(Kind.RUN_STARTED, digest="abc", who={"by": "ada"}, windows="w.yml")
        journal.append(Kind.WINDOW_AWAITED, until=OPENS, steps={}, redirections=[], waits=False)
        journal.append(
            Kind.RUN_STOPPED, reason="nothing fits", paused=True, next_window=OPENS, seconds=1
        )
    return folder


def test_a_run_that_waits_for_its_window_is_paused_and_says_how_to_go_on(
    paused: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["status", str(paused)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Paused 2026-11-07 21:00:00 UTC: nothing fits" in said
    assert f"resume {paused} -i INVENTORY --windows w.yml" in said


def test_looks_are_told_in_few_words(tmp_path: Path) -> None:
    good = {"path": "a -> b (owa)", "source": "a-1", "coverage": "covered", "why": "well"}
    bad = {**good, "coverage": "partly", "why": "b-2 did not answer"}
    event = {"server": "a-1", "id": 4999, "time": "22:15", "message": "Watson"}
    with Journal.open(tmp_path / JOURNAL_NAME, clock=FakeClock()) as journal:
        entry = journal.append(Kind.PATHS_PROBED, "up", paths=[good, bad], events=[event], lost=[])
    text = str(entry_text(entry))
    assert "paths: 1 of 2 work; a -> b (owa) through a-1: b-2 did not answer" in text
    assert "events: 4999 of a-1 at 22:15" in text
    assert "{" not in text
