"""Planning in a process of its own: its solvers end with it, and what runs the plan stays small.

A run may last for nights; whoever needs a way back in it asks here. Unlike `apart` nothing is ever
planned in the process that asks: it has threads and a journal, and a planner that dies is told.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from orchestrator.errors import OrchestratorError

Result = TypeVar("Result")


def in_planner_process(work: Callable[..., Result], *arguments: object) -> Result:
    """What a function answers in a fresh process.

    Parameters
    ----------
    work : callable
        A function of a module; what it needs is imported there, not here.
    *arguments : object
        Values.

    Raises
    ------
    OrchestratorError
        What the function raised; or that the process ended without an answer.
    """
    # Not forked: the child shall not hold what this process has, threads and journal included.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, initializer=_leave_interrupts) as pool:
        try:
            return pool.submit(work, *arguments).result()
        except BrokenProcessPool:
            raise OrchestratorError(
                "planning ended without an answer: its process was ended from outside, most "
                "likely because memory ran out; nothing was changed by it",
                "see what the system logged of it, free memory, and ask again",
            ) from None


def _leave_interrupts() -> None:
    """Ctrl-C reaches both processes; the one that runs the plan says what comes of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
