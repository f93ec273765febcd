"""The clock as a Protocol: only the command line wires the real one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine and the journal need to know about time."""

    def now(self) -> datetime:
        """The wall-clock time, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so much time go by; signals are handled meanwhile."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The wall-clock time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean something."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let so much time go by; signals are handled meanwhile."""
        time.sleep(seconds)
