"""A plan folder as the page reads it: plan, journal, and the artifacts of its attempts."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.execution.clock import Clock
from orchestrator.execution.who import runs_still
from orchestrator.journal.entry import FIRST_LINK, Entry, Kind, canonical, link
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.model.topology import Protocol
from orchestrator.planfile import digest, read_plan
from orchestrator.shipped import catalogue, rule_pack
from orchestrator.web.pictures import Pictures
from orchestrator.web.scene import scene
from orchestrator.web.standing import Moment, Standings

ATTEMPTS = "attempts"


class PlanFolder:
    """Reads a plan folder; the plan once, the journal whenever it grew.

    Every entry's link is checked as it is read. Methods block: call them from a thread, one at
    a time.

    Parameters
    ----------
    path : Path
    clock : Clock

    Raises
    ------
    InvalidInput
        If there is no plan in it.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.saved = read_plan(path)
        self.digest = digest(path)
        self.book = self.saved.rules.book(rule_pack, self.saved.policy)
        self.pictures = Pictures(self.saved, self.book, catalogue())
        self.scene: dict[str, Any] = {
            **scene(self.saved, self.book, self.digest),
            "protocols": [str(protocol) for protocol in self.pictures.protocols],
        }
        self.entries: list[Entry] = []
        self._standings = Standings(self.saved, self.book, catalogue())
        self._journal: Journal | None = None

    def read_news(self) -> list[Entry]:
        """Entries written since the last call.

        Raises
        ------
        OrchestratorError
            If the journal cannot be read, or is not as it was written.
        """
        journal = self._opened()
        if journal is None:
            return []
        last = self.entries[-1] if self.entries else None
        news = journal.entries(after=last.seq if last else 0)
        for entry in news:
            _require_linked(self.path, last, entry)
            last = entry
        self.entries += news
        return news

    def running(self) -> bool | None:
        """Whether the process of the run lives; None if that cannot be known here."""
        run = view(self.entries)
        return runs_still(run.by) if run.open else False

    def standing(self, *, running: bool | None) -> dict[str, Any]:
        """Where the plan stands now."""
        return self._standings.at(self.entries, Moment(self.clock.now(), running, self.digest))

    def standing_at(self, seq: int) -> dict[str, Any]:
        """Where the plan stood when an entry had just been written: for a replay.

        The run counts as alive in the past: whether it died was seen later.
        """
        past = self.entries[:seq]
        now = past[-1].time if past else self._begin()
        return self._standings.at(past, Moment(now, running=True, digest=self.digest))

    def graph(self, protocol: Protocol, seq: int) -> str:
        """The proxy graph when an entry had just been written, as SVG."""
        return self.pictures.graph(protocol, self.entries[:seq])

    def gantt(self, seq: int) -> str:
        """The Gantt chart when an entry had just been written, as SVG."""
        past = self.entries[:seq]
        return self.pictures.gantt(past, past[-1].time if past else self._begin())

    def attempt_folder(self, step: str, attempt: int) -> Path | None:
        """The private folder of an attempt, by what the journal says; None if it says nothing."""
        for entry in reversed(self.entries):
            if (entry.kind, entry.step, entry.attempt) == (Kind.STEP_CHILD, step, attempt):
                # by name only: the plan folder may have been moved since, and nothing outside
                # of it is ever read
                name = Path(str(entry.data.get("folder", ""))).name
                return self.path / ATTEMPTS / name if name else None
        return None

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _opened(self) -> Journal | None:
        path = self.path / JOURNAL_NAME
        if self._journal is None and path.is_file():
            with contextlib.suppress(_NotYet):
                journal = _open(path)
                if journal.entries():
                    self._journal = journal
                else:
                    # one that was never committed to reads as empty, and would stay so held open
                    journal.close()
        return self._journal

    def _begin(self) -> datetime:
        return self.entries[0].time if self.entries else self.clock.now()


class _NotYet(Exception):
    """Another process is just making the file."""


def _open(path: Path) -> Journal:
    try:
        journal = Journal.read(path)
    except OrchestratorError:
        if path.stat().st_size == 0:
            raise _NotYet from None
        raise
    try:
        journal.verify()
    except BaseException:
        journal.close()
        raise
    return journal


def _require_linked(folder: Path, before: Entry | None, entry: Entry) -> None:
    made = link(
        before.link if before else FIRST_LINK,
        seq=entry.seq,
        time=entry.time.isoformat(),
        kind=entry.kind,
        step=entry.step,
        attempt=entry.attempt,
        data=canonical(entry.data),
    )
    if made != entry.link or entry.seq != (before.seq if before else 0) + 1:
        raise OrchestratorError(
            f"the journal of {folder} is not as it was written: entry {entry.seq} was changed, "
            "added or removed",
            "do not rely on it: read the farm and keep the file as evidence",
        )


def frames(entries: Sequence[Entry]) -> list[list[Any]]:
    """Every entry with its time, for the slider of a replay."""
    return [[e.seq, e.time.isoformat(), e.kind, e.step or ""] for e in entries]
