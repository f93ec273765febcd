"""Tasks and redirections as numbers: minutes since 1970, positions in the plan."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from orchestrator.model.plan import Step


@dataclass(frozen=True)
class Slots:
    """When a task may start: in window k from ``starts[k]`` to ``latests[k]``, both included.

    Parameters
    ----------
    starts, latests : tuple of int
        Ascending; only windows long enough for the task with its reserve.
    group : int
        Which windows these are; tasks with equal windows have equal groups.
    """

    starts: tuple[int, ...]
    latests: tuple[int, ...]
    group: int

    def earliest(self, moment: int) -> int | None:
        """The first start at or after a moment; None if there is no window left."""
        k = bisect_left(self.latests, moment)
        return max(moment, self.starts[k]) if k < len(self.latests) else None

    def latest(self, moment: int) -> int | None:
        """The last start at or before a moment; None if there is no window by then."""
        k = bisect_right(self.starts, moment) - 1
        return min(moment, self.latests[k]) if k >= 0 else None


@dataclass(frozen=True)
class Task:
    """A step as the scheduler sees it.

    Parameters
    ----------
    need, reserve : int
        Minutes.
    slots : Slots
    after, before : tuple of int
        Tasks that must have ended, and those that wait for this one.
    pool : int
        Pools are numbered in plan order.
    out : frozenset of str
        Servers it takes out of service.
    touched : frozenset of str
        Servers it changes in any way.
    free : bool
        Whether `after` and the windows alone keep it from meeting what it must not meet.
    """

    step: Step
    need: int
    reserve: int
    slots: Slots
    after: tuple[int, ...]
    before: tuple[int, ...]
    pool: int
    out: frozenset[str]
    touched: frozenset[str]
    free: bool


@dataclass(frozen=True)
class Redirection:
    """A temporary redirection: the task that opens it, the one that closes it, all between."""

    opens: int
    closes: int
    users: int
    inner: tuple[int, ...]
