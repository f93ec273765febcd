"""Who carries out the attempts of steps: this thread one by one, or several threads at once.

Each attempt forks a child. One at a time it is forked by the only thread there is; with several the
child replaces itself by another program right after the fork and takes no lock of ours, so that
forking beside other threads does no harm.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.execution.results import RunResult
from orchestrator.execution.verdict import StepVerdict
from orchestrator.model.plan import Step


@dataclass(frozen=True)
class Ended:
    """An attempt of a step that has ended.

    Parameters
    ----------
    step : Step
    verdict : StepVerdict
    result : RunResult or None
        None if no playbook was started.
    seconds : float
    error : Exception or None
        What nobody had foreseen: raised by whoever takes this.
    """

    step: Step
    verdict: StepVerdict
    result: RunResult | None
    seconds: float
    error: Exception | None = None


Attempt = Callable[[], Ended]


class Crew(Protocol):
    """Carries out attempts."""

    def start(self, attempt: Attempt) -> None:
        """Begin one."""
        ...

    def take(self) -> Ended:
        """Wait for one that has ended; there must be one begun and not taken."""
        ...


class Alone:
    """One attempt at a time, in this thread."""

    def __init__(self) -> None:
        self._ended: deque[Ended] = deque()

    def start(self, attempt: Attempt) -> None:
        """Carry it out."""
        self._ended.append(attempt())

    def take(self) -> Ended:
        """The next that has ended."""
        return self._ended.popleft()


class Threads:
    """A thread per attempt; whoever starts them says how many at once."""

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()

    def start(self, attempt: Attempt) -> None:
        """Begin it."""

        def work() -> None:
            self._ended.put(attempt())

        # Not a daemon: a step is never left without somebody who writes down what came of it.
        threading.Thread(target=work, name="step").start()

    def take(self) -> Ended:
        """Wait for the next that ends; signals are handled meanwhile."""
        return self._ended.get()


def crew_of(size: int) -> Crew:
    """The crew for so many steps at once."""
    return Alone() if size == 1 else Threads()
