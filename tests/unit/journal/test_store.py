"""The journal: durable, append-only, and honest about a file that is not as it was written."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.journal.entry import Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.journal.store import Journal


class Ticking:
    def __init__(self) -> None:
        self._now = datetime(2012, 4, 23, 22, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def write(path: Path) -> None:
    with Journal.open(path, clock=Ticking()) as journal:
        journal.append(Kind.PLAN_APPROVED, digest="abc", by="ada", host="node-1")
        journal.append(Kind.RUN_STARTED)
        journal.append(Kind.STEP_STARTED, "upgrade-rome")
        journal.append(Kind.STEP_CHILD, "upgrade-rome", pid=12)
        journal.append(Kind.STEP_FAILED, "upgrade-rome", reason="kaputt – ü")


def tamper(path: Path, statement: str) -> None:
    """What somebody does who has the file and the time to drop the triggers."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER entries_unchanged")
        connection.execute("DROP TRIGGER entries_remain")
        connection.execute(statement)
        connection.commit()


def test_entries_come_back_as_written_and_the_chain_goes_on(path: Path) -> None:
    write(path)
    with Journal.open(path, clock=Ticking()) as journal:
        entry = journal.append(Kind.RUN_STOPPED, reason="a step failed")
        entries = journal.entries()
        journal.verify()
    assert [e.seq for e in entries] == [1, 2, 3, 4, 5, 6]
    assert entries[-1] == entry
    assert entries[4].data == {"reason": "kaputt – ü"}
    assert entries[0].time == datetime(2012, 4, 23, 22, 0, 1, tzinfo=UTC)
    assert len({e.link for e in entries}) == 6


def test_it_is_durable_and_strict(path: Path) -> None:
    with Journal.open(path, clock=Ticking()) as journal:
        connection = journal._connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO entries VALUES ('x', 1, 1, 1, 'x', 1, 1)")


@pytest.mark.parametrize("statement", ["UPDATE entries SET kind = 'x'", "DELETE FROM entries"])
def test_sql_cannot_rewrite_it(path: Path, statement: str) -> None:
    write(path)
    with (
        contextlib.closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("UPDATE entries SET kind = 'step-succeeded' WHERE seq = 5", 5),
        ("UPDATE entries SET time = '2012-04-23T21:00:00+00:00' WHERE seq = 2", 2),
        ("UPDATE entries SET data = '{}' WHERE seq = 1", 1),
        ("DELETE FROM entries WHERE seq = 3", 3),
        ("DELETE FROM entries WHERE seq = 5", 5),
        ("INSERT INTO entries SELECT 6, time, kind, step, 1, data, 'x' FROM entries LIMIT 1", 6),
    ],
)
def test_tampering_is_found_and_stops_the_next_append(
    path: Path, statement: str, entry: int
) -> None:
    write(path)
    tamper(path, statement)
    with pytest.raises(OrchestratorError, match=f"entry {entry} was changed"):
        Journal.open(path, clock=Ticking())
    with Journal.read(path) as journal, pytest.raises(OrchestratorError, match=f"entry {entry} "):
        journal.verify()


def test_it_can_be_read_while_a_run_appends(path: Path) -> None:
    with Journal.open(path, clock=Ticking()) as journal:
        journal.append(Kind.RUN_STARTED)
        with Journal.read(path) as reader:
            assert [e.kind for e in reader.entries()] == ["run-started"]
            journal.append(Kind.STEP_STARTED, "a")
            assert len(reader.entries()) == 2
            with pytest.raises(OrchestratorError, match="reading only"):
                reader.append(Kind.RUN_FINISHED)


def _append_many(path: Path, number: int) -> None:
    with Journal.open(path, clock=Ticking()) as journal:
        for _ in range(number):
            journal.append(Kind.STATE_READ)


def test_two_processes_that_append_keep_one_chain(path: Path) -> None:
    write(path)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, 20)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with Journal.read(path) as journal:
        journal.verify()
        assert len(journal.entries()) == 45


def _fill(journal: Journal) -> None:
    for _ in range(100):
        journal.append(Kind.STATE_READ, filler="x" * 1000)


def test_a_full_disk_is_said_and_nothing_is_half_written(path: Path) -> None:
    with Journal.open(path, clock=Ticking()) as journal:
        journal._connection.execute("PRAGMA max_page_count = 8")
        with pytest.raises(OrchestratorError, match="disk is full"):
            _fill(journal)
        written = len(journal.entries())
        journal._connection.execute("PRAGMA max_page_count = 1000")
        journal.append(Kind.RUN_STOPPED)
        journal.verify()
        assert len(journal.entries()) == written + 1


@pytest.mark.parametrize("content", [b"not a database, but long enough " * 40, b"\0" * 5000])
def test_a_file_that_is_no_journal_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(OrchestratorError, match="damaged"):
        Journal.open(path, clock=Ticking())
    assert path.read_bytes() == content


def test_a_damaged_page_is_found(path: Path) -> None:
    _append_many(path, 200)
    content = bytearray(path.read_bytes())
    content[2 * 4096 : 3 * 4096] = os.urandom(4096)
    path.write_bytes(content)
    with pytest.raises(OrchestratorError, match=r"damaged|not as it was written"):
        Journal.open(path, clock=Ticking())


def test_another_database_is_not_taken_for_a_journal(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.commit()
    with pytest.raises(OrchestratorError, match="not a journal"):
        Journal.open(path, clock=Ticking())
    with pytest.raises(OrchestratorError, match="not a journal"):
        Journal.read(path)


def test_a_newer_format_is_not_touched(path: Path) -> None:
    write(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(OrchestratorError, match="newer version"):
        Journal.open(path, clock=Ticking())


def test_a_missing_folder_and_a_missing_journal_are_said(path: Path) -> None:
    with pytest.raises(OrchestratorError, match="cannot be opened"):
        Journal.open(path.parent / "nowhere" / "journal.sqlite3", clock=Ticking())
    with pytest.raises(OrchestratorError, match="there is no journal"):
        Journal.read(path)


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Root may write everywhere: look at the folder with other eyes."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("existing", [True, False])
def test_a_read_only_plan_directory_is_said(*, existing: bool) -> None:
    # pytest's own folders cannot be entered by others.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "journal.sqlite3"
        if existing:
            write(path)
            path.chmod(0o444)
        folder.chmod(0o555)
        with (
            _unprivileged(),
            pytest.raises(OrchestratorError, match=r"read-only|cannot be opened") as caught,
        ):
            Journal.open(path, clock=Ticking())
        assert "no further step" in caught.value.remedy
        folder.chmod(0o755)


def test_the_view_of_a_run(path: Path) -> None:
    write(path)
    with Journal.open(path, clock=Ticking()) as journal:
        journal.append(Kind.STEP_STARTED, "verify-rome")
        journal.append(Kind.RUN_STOPPED, reason="interrupted")
        found = view(journal.entries())
    assert (found.digest, found.approved_by) == ("abc", "ada")
    assert (found.finished, found.reason) == (False, "interrupted")
    assert found.started is not None
    assert found.steps["upgrade-rome"].status is StepStatus.FAILED
    assert found.steps["upgrade-rome"].child == {"pid": 12}
    assert found.steps["verify-rome"].status is StepStatus.STARTED
    assert found.unfinished == ["upgrade-rome", "verify-rome"]


STARVED = """
import resource, signal, sys
from pathlib import Path
from orchestrator.execution.clock import SystemClock
from orchestrator.journal.store import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
Journal.open(Path(sys.argv[1]), clock=SystemClock())
"""


@pytest.mark.parametrize("size", [0, 100, 4096, 24_576])
def test_a_journal_whose_making_met_a_full_disk_holds_nothing_and_is_made_anew(
    path: Path, size: int
) -> None:
    words = [sys.executable, "-c", STARVED, str(path), str(size)]
    starved = subprocess.run(words, check=False, capture_output=True, text=True)
    assert "cannot use the journal" in starved.stderr
    with Journal.read(path) as journal:
        journal.verify()
        assert journal.entries() == []
    write(path)
    with Journal.read(path) as journal:
        assert len(journal.entries()) == 5
