"""The thread between ansible-runner and everybody else.

ansible-runner calls its event handler while it reads the child's output: a slow handler makes it
miss the child's end, an OSError in it silently loses the event and another exception ends the
run. So the handler only enqueues, and all work is done here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.execution import process
from orchestrator.execution.events import Recorder
from orchestrator.execution.results import Child, TaskEvent

_POLL_SECONDS = 0.05


class Drain:
    """Takes events off the queue, records them and tells the observers.

    Parameters
    ----------
    recorder : Recorder
    folder : Path
        Private folder of the run; the child writes its pid to ``child.pid`` in it.
    on_event : callable or None
        Progress. What it raises is kept in `observer_error`; it is not called again.
    on_child : callable or None
        Told once about the child. What it raises poisons the run.
    """

    def __init__(
        self,
        recorder: Recorder,
        folder: Path,
        on_event: Callable[[TaskEvent], None] | None,
        on_child: Callable[[Child], None] | None,
    ) -> None:
        self._recorder = recorder
        self._folder = folder
        self._on_event = on_event
        self._on_child = on_child
        self._queue: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.child: Child | None = None
        self.observer_error: Exception | None = None
        self.poison: Exception | None = None

    def put(self, event: Mapping[str, Any]) -> bool:
        """The event handler: True keeps the event on disk for a person."""
        self._queue.put(event)
        return True

    def start(self) -> None:
        """Start working, once; after the child was forked, as forking wants a single thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="run-events", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Work off what is left and stop."""
        self.start()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            self._look_for_child()
            try:
                waiting = self.child is None
                event = self._queue.get(timeout=_POLL_SECONDS if waiting else None)
            except queue.Empty:
                continue
            if event is None:
                return
            line = self._recorder.take(event)
            if line is not None:
                self._tell(line)

    def _tell(self, line: TaskEvent) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(line)
        except Exception as error:  # A view must not stop a run.
            self.observer_error = error
            self._on_event = None

    def _look_for_child(self) -> None:
        if self.child is not None:
            return
        try:
            text = (self._folder / "child.pid").read_text(encoding="ascii")
        except FileNotFoundError:
            return
        if not text.endswith("\n"):
            return
        pid = int(text)
        self.child = Child(pid, process.identity(pid), self._folder)
        if self._on_child is None:
            return
        try:
            self._on_child(self.child)
        except Exception as error:  # Raised again by the run, once the child has ended.
            self.poison = error
