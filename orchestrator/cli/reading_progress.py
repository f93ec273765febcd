"""Progress of reading files: nothing for what is short, a line for what takes longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.text import Text

from orchestrator.report.console import err

SHOWN_AFTER = 2.0
"""Seconds until anything is said."""
ESTIMATED_FROM = 60.0
"""Seconds of the whole from which what is left is told."""
_EVERY = 30.0
"""Seconds between two lines where nobody looks at a terminal."""


@contextmanager
def reading(
    what: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int, int], None]]:
    """Gives what to call with bytes done and bytes in all.

    Parameters
    ----------
    what : str
        ``IIS logs``.
    clock : callable
        Seconds.
    """
    console = err()
    begun = clock()
    last = begun - _EVERY + SHOWN_AFTER
    status = console.status("")

    def on_progress(done: int, total: int) -> None:
        nonlocal last
        now = clock()
        if now - begun < SHOWN_AFTER:
            return
        line = Text(progress_line(what, done, total, now - begun))
        if console.is_terminal:
            status.update(line)
            status.start()
        elif now - last >= _EVERY:
            last = now
            console.print(line, soft_wrap=True)

    try:
        yield on_progress
    finally:
        status.stop()


def progress_line(what: str, done: int, total: int, seconds: float) -> str:
    """How far it is, and how long the rest may take where the whole takes over a minute.

    Examples
    --------
    >>> progress_line("IIS logs", 2_000_000_000, 8_000_000_000, 30)
    'Reading IIS logs: 2.0 of 8.0 GB, about 2 min left'
    """
    unit, word = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    line = f"Reading {what}: {done / unit:.1f} of {total / unit:.1f} {word}"
    if not done:
        return line
    whole = seconds * total / done
    if whole < ESTIMATED_FROM:
        return line
    left = max(whole - seconds, 0)
    shown = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
    return f"{line}, about {shown} left"
