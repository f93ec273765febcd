"""SIGINT and SIGTERM as events, so that a run ends in order instead of in mid-air."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Wishes:
    """What the signals so far ask for."""

    pause: threading.Event = field(default_factory=threading.Event)
    cancel: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while the context lasts.

    The handlers before are put back at the end. Only for the main thread.
    """
    event = threading.Event()
    with _handled(event.set):
        yield event


@contextlib.contextmanager
def pausable(on_pause: Callable[[], None]) -> Iterator[Wishes]:
    """The first SIGINT or SIGTERM asks for a pause, the second for an end at once.

    Parameters
    ----------
    on_pause : callable
        Says so, in another thread: a signal may come while the console is being written to.
    """
    wishes = Wishes()

    def wish() -> None:
        if wishes.pause.is_set():
            wishes.cancel.set()
            return
        wishes.pause.set()
        threading.Thread(target=on_pause, name="pause", daemon=True).start()

    with _handled(wish):
        yield wishes


@contextlib.contextmanager
def _handled(act: Callable[[], None]) -> Iterator[None]:
    def flip(number: int, frame: FrameType | None) -> None:
        act()

    before = {number: signal.signal(number, flip) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
