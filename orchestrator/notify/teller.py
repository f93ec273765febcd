"""A thread that sends; whoever tells it something goes on at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence

from orchestrator.notify.sinks import Send

LAST_SECONDS = 5.0
"""How long the end of a run waits for messages that are still on their way."""


class Teller:
    """Passes messages to sinks in order, each sink in a thread of its own.

    Parameters
    ----------
    sinks : sequence of Send
    """

    def __init__(self, sinks: Sequence[Send]) -> None:
        self._lines = [_Line(send, number) for number, send in enumerate(sinks, start=1)]

    def tell(self, title: str, body: str) -> None:
        """Send a message to every sink, some time."""
        for line in self._lines:
            line.messages.put((title, body))

    def close(self, seconds: float = LAST_SECONDS) -> list[str]:
        """Wait a moment for what is on its way; what did not arrive, in words without URLs."""
        for line in self._lines:
            line.messages.put(None)
        limit = threading.Event()
        timer = threading.Timer(seconds, limit.set)
        timer.daemon = True
        timer.start()
        for line in self._lines:
            while line.thread.is_alive() and not limit.is_set():
                line.thread.join(0.05)
        timer.cancel()
        return [
            f"notification sink {line.number}: not every message arrived"
            for line in self._lines
            if line.thread.is_alive() or line.lost
        ]


class _Line:
    """One sink and what waits for it."""

    def __init__(self, send: Send, number: int) -> None:
        self.number = number
        self.messages: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self.lost = 0
        self._send = send
        # A daemon: a sink that hangs must not keep the program alive.
        self.thread = threading.Thread(target=self._work, name=f"notify-{number}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while (message := self.messages.get()) is not None:
            try:
                arrived = self._send(*message)
            except Exception:  # Whatever a sink does, the run goes on.
                arrived = False
            self.lost += not arrived
