"""List scheduling: a portfolio of priority rules, then seeded restarts from the best found.

Tasks are placed one after the other at the first moment that keeps all limits. For every limit
kept here some order of placing leads to the shortest schedule; the search is for such an order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.planner.noise import Noise
from orchestrator.planner.placing import (
    RELEASES,
    Packed,
    Placing,
    Priority,
    blocks_of,
    late_starts,
    measured,
    tighten,
    user_minutes,
)
from orchestrator.planner.workload import Workload

MOST_PLACEMENTS = 60_000
"""Effort per search in tasks placed: a count, not a time, so that every machine does the same."""

LEAST_RESTARTS = 4
SEED = 14_2_283_3
_LAST = 10**12


def pack(
    work: Workload,
    goal: tuple[int, int],
    effort: int = MOST_PLACEMENTS,
    hints: Mapping[int, int] | None = None,
) -> Packed | None:
    """The best schedule found.

    Parameters
    ----------
    work : Workload
    goal : tuple of int
        Bounds of user-minutes and end: a schedule that meets both, in one night or with no
        better number of nights in sight, ends the search.
    effort : int
        Tasks placed before the search ends, at least `LEAST_RESTARTS` times all.
    hints : mapping of int to int, optional
        Tasks that are placed before all others, none before the moment said.

    Returns
    -------
    Packed or None
        None if no order tried fits into the calendar.
    """
    return _Search(work, goal, effort, hints or {}).run()


class _Search:
    def __init__(
        self, work: Workload, goal: tuple[int, int], effort: int, hints: Mapping[int, int]
    ) -> None:
        self._work = work
        self._goal = goal
        self._noise = Noise(SEED)
        self._left = max(effort, LEAST_RESTARTS * len(work.tasks))
        self._inner = {n for r in work.redirections for n in (*r.inner, r.closes)}
        self._blocks = blocks_of(work)
        self._hints = hints
        self.best: Packed | None = None
        self._last: Packed | None = None
        self._way = _Way(())

    def run(self) -> Packed | None:
        if self._hints:
            count = range(len(self._work.tasks))
            self._try(_Way(tuple(self._hints.get(n, _LAST) for n in count), releases=self._hints))
        for priority in _portfolio(self._work):
            for as_blocks in (False, True) if self._inner else (False,):
                self._try(_Way(tuple(priority), as_blocks))
                while self._there_and_back():
                    pass
                if self._done or (self.best is not None and self._left <= 0):
                    return self.best
        self._shorten_redirections()
        scale = 1
        while self._left > 0 and self.best is not None and not self._done:
            as_blocks = bool(self._inner) and scale % 2 == 0
            way = _Way(self._shaken(scale), as_blocks, self._way.releases)
            better = self._try(way)
            while self._there_and_back():
                better = True
            scale = scale if better else scale % 12 + 1
        return self.best

    @property
    def _done(self) -> bool:
        if self.best is None:
            return False
        _, nights, end, users, _ = self.best.key
        least = self._work.night(self._goal[1] - 1) - self._work.night(self._work.begin) + 1
        return (users, end) == self._goal and nights <= max(least, 1)

    def _try(self, way: _Way) -> bool:
        priority: Priority = way.priority
        blocks = self._blocks if way.as_blocks else None
        if way.as_blocks:
            priority = [p - 10**9 if n in self._inner else p for n, p in enumerate(priority)]
        placing = Placing(self._work, priority, way.releases, blocks)
        found = placing.run()
        if found is not None and self._work.redirections:
            tighten(self._work, placing.board)
            found = min(found, measured(self._work, placing.board), key=lambda made: made.key)
        self._left -= placing.board.placements
        self._last = found
        if found is None or (self.best is not None and found.key >= self.best.key):
            return False
        self.best, self._way = found, way
        return True

    def _there_and_back(self) -> bool:
        """Push the last schedule as late as it goes and place again in that order."""
        if self._last is None or self._done:
            return False
        self._left -= len(self._work.tasks)
        order = late_starts(self._work, self._last)
        return self._try(dataclasses.replace(self._way, priority=order, as_blocks=False))

    def _shorten_redirections(self) -> None:
        """Open each redirection in a later window where that makes it shorter as a whole."""
        best = self.best
        if best is None:
            return
        costs = {r: user_minutes([r], best.starts, self._work) for r in self._work.redirections}
        excess = {r: cost - r.users * self._work.shortest(r) for r, cost in costs.items()}
        half = self._left // 2
        for r in sorted(excess, key=lambda r: (-excess[r], r.opens)):
            if excess[r] <= 0 or self.best is None:
                return
            now = self.best.starts[r.opens]
            for release in [s for s in self._work.tasks[r.opens].slots.starts if s > now][
                :RELEASES
            ]:
                releases = {**self._way.releases, r.opens: release}
                self._try(dataclasses.replace(self._way, releases=releases))
                if self._left <= half:
                    return

    def _shaken(self, scale: int) -> tuple[int, ...]:
        """The order of the best schedule's starts, with every place moved a little."""
        best = self.best
        if best is None:
            return self._way.priority
        count = len(best.starts)
        reach = 1 + count * scale**2 // 144
        rank = {n: k for k, n in enumerate(sorted(range(count), key=lambda n: best.starts[n]))}
        return tuple(
            2 * rank[n] + (self._noise.below(2 * reach + 1) if self._noise.below(3) == 0 else 0)
            for n in range(count)
        )


@dataclass(frozen=True)
class _Way:
    """How a schedule is made: tasks by priority, small first.

    Parameters
    ----------
    priority : tuple of int
    as_blocks : bool
        Place each redirection with all it encloses in one go.
    releases : mapping of int to int
        Openings that must not start before a moment.
    """

    priority: tuple[int, ...]
    as_blocks: bool = False
    releases: Mapping[int, int] = field(default_factory=dict)


def _portfolio(work: Workload) -> Iterator[Priority]:
    """Orders worth trying first, from cheap rules of thumb."""
    facts = _Facts(work)
    count = range(len(work.tasks))
    yield facts.latest_starts
    yield list(count)
    yield [-facts.tails[n] for n in count]
    yield [facts.room[n] for n in count]
    yield [-work.tasks[n].need for n in count]
    mix = list(zip(facts.latest_starts, facts.room, strict=True))
    order = {pair: k for k, pair in enumerate(sorted(set(mix)))}
    yield [order[pair] for pair in mix]


class _Facts:
    """Per task what priority rules look at."""

    def __init__(self, work: Workload) -> None:
        self._work = work

    @cached_property
    def tails(self) -> list[int]:
        """Minutes of the longest chain that begins with the task."""
        found = [0] * len(self._work.tasks)
        for n in reversed(range(len(found))):
            task = self._work.tasks[n]
            found[n] = task.need + max((found[k] for k in task.before), default=0)
        return found

    @cached_property
    def room(self) -> list[int]:
        """Minutes in which a task may start at all: few first."""
        return [
            sum(b - a + 1 for a, b in zip(t.slots.starts, t.slots.latests, strict=True))
            for t in self._work.tasks
        ]

    @cached_property
    def latest_starts(self) -> list[int]:
        """The last start that lets everything after it end in the last window there is."""
        tasks = self._work.tasks
        found = [0] * len(tasks)
        for n in reversed(range(len(tasks))):
            task = tasks[n]
            limit = min((found[k] for k in task.before), default=10**12) - task.need
            start = task.slots.latest(limit)
            found[n] = limit if start is None else start
        return found
