"""SIGINT and SIGTERM as an event, so that a run ends in order instead of in mid-air."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while the context lasts.

    The handlers before are put back at the end. Only for the main thread.
    """
    event = threading.Event()

    def flip(number: int, frame: FrameType | None) -> None:
        event.set()

    before = {number: signal.signal(number, flip) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
