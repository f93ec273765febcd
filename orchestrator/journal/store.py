"""The append-only record of what was started and what came of it, in one SQLite file.

Every entry is on disk before `Journal.append` returns (WAL, synchronous=FULL), can neither be
changed nor deleted through SQL, and carries the hash of the one before.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from orchestrator.errors import OrchestratorError
from orchestrator.journal.entry import FIRST_LINK, Entry, Kind, canonical, link

JOURNAL_NAME = "journal.sqlite3"
"""Name of the journal inside a plan directory."""

_APPLICATION_ID = 0x43415331  # "CAS1"
_VERSION = 1
_BUSY_SECONDS = 10.0

_WRITING = "no further step is started without a journal"
_READING = "keep the file as evidence; what the farm is like says: orchestrator diagnose --live"

_SCHEMA = (
    """
    CREATE TABLE entries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        time TEXT NOT NULL,
        kind TEXT NOT NULL,
        step TEXT,
        attempt INTEGER NOT NULL,
        data TEXT NOT NULL,
        link TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TRIGGER entries_unchanged BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
    """,
    """
    CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
    """,
    f"PRAGMA application_id={_APPLICATION_ID}",
    f"PRAGMA user_version={_VERSION}",
)

_Row = tuple[int, str, str, str | None, int, str, str]


class _Clock(Protocol):
    def now(self) -> datetime: ...


class Journal:
    """A journal file; use it as a context manager.

    Methods may be called from any thread.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: _Clock | None) -> None:
        self.path = path
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, clock: _Clock) -> Self:
        """Open for appending; created if it does not exist, verified if it does.

        Raises
        ------
        OrchestratorError
            If it cannot be written, is no journal, or was tampered with.
        """
        with _explained(path):
            # Transactions are begun by us, so that it is plain when one is IMMEDIATE.
            connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            journal = cls(path, connection, clock)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                journal._create()
                journal._require_writable()
            except BaseException:
                connection.close()
                raise
        try:
            journal.verify()
        except OrchestratorError:
            journal.close()
            raise
        return journal

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open for reading only, also while another process appends.

        A file in which nothing was ever committed is a journal without entries: its making met a
        full disk or a kill, before anything was started. Opened for appending it is made anew.

        Raises
        ------
        OrchestratorError
            If there is none, or it cannot be read.
        """
        if not path.is_file():
            raise OrchestratorError(f"there is no journal {path}", "nothing was applied yet")
        with _explained(path, _READING):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                    connection.close()
                    connection = _without_entries()
                _require_ours(path, connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection, None)

    def append(
        self, kind: Kind, step: str | None = None, *, attempt: int = 1, **data: Any
    ) -> Entry:
        """Write one entry; it is on disk when this returns.

        Parameters
        ----------
        kind : Kind
        step : str or None
        attempt : int
        **data
            JSON values; never secrets.

        Raises
        ------
        OrchestratorError
            If the disk is full, the file is read-only or corrupt: nothing was written then.
        """
        if self._clock is None:
            raise OrchestratorError(f"the journal {self.path} was opened for reading only")
        stored = canonical(data)
        with self._lock, _explained(self.path):
            # IMMEDIATE: the last link must not change between reading and writing.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                last = self._connection.execute(
                    "SELECT seq, link FROM entries ORDER BY seq DESC LIMIT 1"
                ).fetchone() or (0, FIRST_LINK)
                seq, time = last[0] + 1, self._clock.now().isoformat()
                made = link(
                    last[1],
                    seq=seq,
                    time=time,
                    kind=kind.value,
                    step=step,
                    attempt=attempt,
                    data=stored,
                )
                row: _Row = (seq, time, kind.value, step, attempt, stored, made)
                self._connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        return _entry(row)

    def entries(self, *, after: int = 0) -> list[Entry]:
        """Every entry in order, or only those after a sequence number."""
        with self._explained():
            rows = self._rows(after)
        try:
            return [_entry(row) for row in rows]
        except ValueError as error:
            raise OrchestratorError(
                f"the journal {self.path} is not as it was written: {error}", _READING
            ) from None

    def verify(self) -> None:
        """Check that the file is whole and that no entry was changed, added or removed.

        The last entries cannot be missed by the chain itself; SQLite's own count of the numbers
        it has given out tells of those.

        Raises
        ------
        OrchestratorError
            Naming the first entry that is not as it was written.
        """
        with self._explained():
            # The counter is read first: another process may append between the two.
            (state,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            counted = self._connection.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'entries'"
            ).fetchone()
            rows = self._rows()
        before = FIRST_LINK
        for expected, row in enumerate(rows, start=1):
            seq, time, kind, step, attempt, data, found = row
            made = link(
                before, seq=seq, time=time, kind=kind, step=step, attempt=attempt, data=data
            )
            if seq != expected or found != made:
                raise _tampered(self.path, expected)
            before = made
        if counted is not None and counted[0] > len(rows):
            raise _tampered(self.path, len(rows) + 1)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return _explained(self.path, _READING if self._clock is None else _WRITING)

    def _rows(self, after: int = 0) -> list[_Row]:
        with self._lock:
            return self._connection.execute(
                "SELECT seq, time, kind, step, attempt, data, link FROM entries WHERE seq > ? "
                "ORDER BY seq",
                (after,),
            ).fetchall()

    def _create(self) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                for statement in _SCHEMA:
                    connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        _require_ours(self.path, connection)

    def _require_writable(self) -> None:
        # Opening succeeds on a read-only file; say so now and not at the first step.
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("ROLLBACK")


def _without_entries() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in _SCHEMA:
        connection.execute(statement)
    return connection


def _entry(row: _Row) -> Entry:
    seq, time, kind, step, attempt, data, made = row
    return Entry(seq, datetime.fromisoformat(time), kind, step, attempt, json.loads(data), made)


def _require_ours(path: Path, connection: sqlite3.Connection) -> None:
    ours = connection.execute("PRAGMA application_id").fetchone() == (_APPLICATION_ID,)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not ours:
        raise OrchestratorError(f"{path} is not a journal of this program")
    if version > _VERSION:
        raise OrchestratorError(
            f"the journal {path} was written by a newer version of this program (format {version})"
        )


def _tampered(path: Path, seq: int) -> OrchestratorError:
    return OrchestratorError(
        f"the journal {path} is not as it was written: entry {seq} was changed, added or removed",
        "do not rely on it: read the farm, keep the file as evidence and make a new plan",
    )


@contextlib.contextmanager
def _explained(path: Path, remedy: str = _WRITING) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        reason = str(error)
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith("SQLITE_FULL"):
            reason = "the disk is full"
        elif code.startswith("SQLITE_READONLY"):
            reason = "it is read-only"
        elif code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or (
            not code and type(error) is sqlite3.DatabaseError
        ):
            reason = f"the file is damaged ({error})"
        elif code.startswith("SQLITE_CANTOPEN"):
            reason = "the file or its folder cannot be opened for writing"
        elif code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            reason = "another process holds it"
        elif code.startswith("SQLITE_IOERR"):
            reason = f"the disk reports an error ({error})"
        raise OrchestratorError(
            f"cannot use the journal {path}: {reason}",
            remedy,
        ) from error
