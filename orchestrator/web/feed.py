"""Watches a plan folder and tells every open page: one small update whenever something changed."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.journal.entry import Entry, Kind
from orchestrator.journal.projection import view
from orchestrator.journal.steps import StepStatus
from orchestrator.web.folder import PlanFolder
from orchestrator.web.news import entry_row
from orchestrator.web.tasklog import AttemptLog

LOOK_SECONDS = 0.25
"""How often the journal is looked at; what happens in between comes in one update."""

_ALIVE_SECONDS = 1.0
_SILENT_SECONDS = 15.0
_LINES_KEPT = 2000


@dataclass
class _Log:
    """Lines with a running number, so that each page knows what it has seen.

    Written by the thread that looks, read by the loop that tells.
    """

    rows: deque[list[Any]] = field(default_factory=lambda: deque(maxlen=_LINES_KEPT))
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rows: Sequence[list[Any]]) -> None:
        with self._lock:
            self.rows.extend(rows)
            self.count += len(rows)

    def after(self, seen: int) -> tuple[list[list[Any]], int]:
        """Lines with a number above one, and the number of the last line."""
        with self._lock:
            new = min(self.count - seen, len(self.rows))
            return list(itertools.islice(self.rows, len(self.rows) - new, None)), self.count


class Feed:
    """What the pages of one plan folder are told.

    Parameters
    ----------
    folder : PlanFolder
    """

    def __init__(self, folder: PlanFolder) -> None:
        self.folder = folder
        self.standing: dict[str, Any] = {}
        self.trouble = ""
        self._tasks = _Log()
        self._probes = _Log()
        self._logs: dict[tuple[str, int], AttemptLog] = {}
        self._version = 0
        self._running: bool | None = False
        self._asked_alive = 0.0
        self._changed = asyncio.Condition()
        self._over = False

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            if await asyncio.to_thread(self.look):
                await self._tell()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> bool:
        """Look once; whether anything changed."""
        before = (len(self.folder.entries), self._running, self.trouble, bool(self.standing))
        try:
            news = self.folder.read_news()
            self.trouble = ""
        except OrchestratorError as error:
            news, self.trouble = [], error.message
        self._look_for_life(fresh=bool(news))
        lines = self._read_logs(news)
        after = (len(self.folder.entries), self._running, self.trouble, True)
        if before != after:
            self.standing = self.folder.standing(running=self._running)
            self.standing["trouble"] = self.trouble
        return lines or before != after

    async def updates(self, after: int) -> AsyncIterator[dict[str, Any]]:
        """Updates for one page that has seen the journal up to an entry.

        The first one comes at once and brings what the page lacks.
        """
        version, tasks, probes = -1, 0, 0
        while not self._over:
            first = version < 0
            if not first and not await self._newer_than(version):
                yield {}
                continue
            if self._over:
                return
            version = self._version
            # seq counts from 1 without gaps
            entries = self.folder.entries[after:]
            after += len(entries)
            task_rows, tasks = self._tasks.after(tasks)
            probe_rows, probes = self._probes.after(probes)
            yield {
                "first": first,
                "seq": after,
                "standing": self.standing,
                "journal": [row for entry in entries if (row := entry_row(entry))],
                "tasks": task_rows,
                "probes": probe_rows,
            }

    async def end(self) -> None:
        """Let every page go; they look for the server again by themselves."""
        self._over = True
        await self._tell()

    async def _newer_than(self, version: int) -> bool:
        """Wait for news; False if there was none for a while."""
        try:
            async with asyncio.timeout(_SILENT_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._version != version)
        except TimeoutError:
            return False
        return True

    async def _tell(self) -> None:
        async with self._changed:
            self._version += 1
            self._changed.notify_all()

    def _look_for_life(self, *, fresh: bool) -> None:
        """Asking for a process costs a little: at most once a second without news."""
        now = self.folder.clock.now().timestamp()
        if fresh or abs(now - self._asked_alive) >= _ALIVE_SECONDS:
            self._asked_alive = now
            self._running = self.folder.running()

    def _read_logs(self, news: Sequence[Entry]) -> bool:
        """Read what the attempts that run, or have just ended, wrote."""
        for entry in news:
            if entry.kind == Kind.STEP_CHILD and entry.step is not None:
                folder = self.folder.attempt_folder(entry.step, entry.attempt)
                if folder is not None:
                    self._logs[entry.step, entry.attempt] = AttemptLog(folder)
        told = False
        run = view(self.folder.entries)
        for (step, attempt), log in list(self._logs.items()):
            lines, probes = log.news()
            self._tasks.add([[step, *line.row()] for line in lines])
            self._probes.add([[step, *probe.row()] for probe in probes])
            told = told or bool(lines or probes)
            known = run.steps.get(step)
            over = (
                known is None
                or known.attempt != attempt
                or known.status is not (StepStatus.STARTED)
            )
            if over and not lines:
                del self._logs[step, attempt]
        return told
