"""List scheduling: a portfolio of priority rules, then seeded restarts from the best found.

Tasks are placed one after the other at the first moment that keeps all limits. For every limit
kept here some order of placing leads to the shortest schedule; the search is for such an order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrator.planner.board import Board
from orchestrator.planner.noise import Noise
from orchestrator.planner.workload import Redirection, Workload

MOST_PLACEMENTS = 60_000
"""Effort per search in tasks placed: a count, not a time, so that every machine does the same."""

LEAST_RESTARTS = 4
SEED = 14_2_283_3
RELEASES = 16
"""Windows in which the opening of a redirection is tried."""

Key = tuple[int, int, int, int]
Priority = Sequence[int]


@dataclass(frozen=True)
class Packed:
    """A schedule as start minutes by task.

    Parameters
    ----------
    starts : tuple of int
    key : tuple of int
        What is made small, in this order: user-minutes of redirection, nights used, the end, the
        sum of all ends.
    """

    starts: tuple[int, ...]
    key: Key


def pack(work: Workload, goal: tuple[int, int]) -> Packed | None:
    """The best schedule found.

    Parameters
    ----------
    work : Workload
    goal : tuple of int
        Bounds of user-minutes and end: a schedule that meets both, in one night or with no
        better number of nights in sight, ends the search.

    Returns
    -------
    Packed or None
        None if no order tried fits into the calendar.
    """
    return _Search(work, goal).run()


def user_minutes(redirections: Sequence[Redirection], starts: Sequence[int], work: Workload) -> int:
    """Minutes times users of all redirections."""
    return sum(
        r.users * (starts[r.closes] + work.tasks[r.closes].need - starts[r.opens])
        for r in redirections
    )


class _Search:
    def __init__(self, work: Workload, goal: tuple[int, int]) -> None:
        self._work = work
        self._goal = goal
        self._noise = Noise(SEED)
        self._left = max(MOST_PLACEMENTS // max(len(work.tasks), 1), LEAST_RESTARTS)
        self.best: Packed | None = None
        self._order: Priority = ()
        self._releases: dict[int, int] = {}

    def run(self) -> Packed | None:
        for priority in _portfolio(self._work):
            self._try(priority, {})
            if self._done:
                return self.best
        self._shorten_redirections()
        scale = 1
        while self._left > 0 and self.best is not None and not self._done:
            self._left -= 1
            if not self._try(self._shaken(scale), self._releases):
                scale = scale % 12 + 1
        return self.best

    @property
    def _done(self) -> bool:
        if self.best is None:
            return False
        users, nights, end, _ = self.best.key
        least = self._work.night(self._goal[1] - 1) - self._work.night(self._work.begin) + 1
        return (users, end) == self._goal and nights <= max(least, 1)

    def _try(self, priority: Priority, releases: Mapping[int, int]) -> bool:
        found = _place(self._work, priority, releases)
        if found is None or (self.best is not None and found.key >= self.best.key):
            return False
        self.best, self._order, self._releases = found, priority, dict(releases)
        return True

    def _shorten_redirections(self) -> None:
        """Open each redirection in a later window where that makes it shorter as a whole."""
        dear = sorted(
            range(len(self._work.redirections)),
            key=lambda n: (-self._work.redirections[n].users, n),
        )
        for n in dear:
            opens = self._work.redirections[n].opens
            if self.best is None:
                return
            now = self.best.starts[opens]
            slots = self._work.tasks[opens].slots.starts
            for release in [s for s in slots if s > now][:RELEASES]:
                self._left -= 1
                self._try(self._order, {**self._releases, opens: release})
                if self._left <= 0:
                    return

    def _shaken(self, scale: int) -> Priority:
        """The order of the best schedule's starts, with every place moved a little."""
        best = self.best
        if best is None:
            return self._order
        count = len(best.starts)
        reach = 1 + count * scale // 48
        rank = {n: k for k, n in enumerate(sorted(range(count), key=lambda n: best.starts[n]))}
        return [
            2 * rank[n] + (self._noise.below(2 * reach + 1) if self._noise.below(3) == 0 else 0)
            for n in range(count)
        ]


def _portfolio(work: Workload) -> Iterator[Priority]:
    """Orders worth trying first, from cheap rules of thumb."""
    facts = _Facts(work)
    count = range(len(work.tasks))
    yield facts.latest_starts
    yield list(count)
    yield [-facts.tails[n] for n in count]
    yield [facts.room[n] for n in count]
    yield [-work.tasks[n].need for n in count]
    inner = {n for r in work.redirections for n in (*r.inner, r.closes)}
    if inner:
        yield [facts.latest_starts[n] - (10**9 if n in inner else 0) for n in count]
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


def _place(work: Workload, priority: Priority, releases: Mapping[int, int]) -> Packed | None:
    board = Board(work)
    waiting = [len(task.after) for task in work.tasks]
    ready = [(priority[n], n) for n, count in enumerate(waiting) if not count]
    heapq.heapify(ready)
    ends: dict[int, int] = {}
    while ready:
        _, number = heapq.heappop(ready)
        task = work.tasks[number]
        moment = max((ends[n] for n in task.after), default=work.begin)
        start = board.earliest(number, max(moment, releases.get(number, moment)))
        if start is None:
            return None
        board.place(number, start)
        ends[number] = start + task.need
        for n in task.before:
            waiting[n] -= 1
            if not waiting[n]:
                heapq.heappush(ready, (priority[n], n))
    loose = _packed(work, board)
    if not work.redirections:
        return loose
    _tighten(work, board)
    return min(loose, _packed(work, board), key=lambda packed: packed.key)


def _tighten(work: Workload, board: Board) -> None:
    """Move what opens and fills redirections as late as the rest allows."""
    movable = {n for r in work.redirections for n in (r.opens, *r.inner)}
    for number in sorted(movable, key=lambda n: (-board.starts[n], -n)):
        task = work.tasks[number]
        now = board.remove(number)
        limit = min((board.starts[n] for n in task.before), default=now + task.need) - task.need
        later = board.latest(number, limit)
        board.place(number, now if later is None or later < now else later)


def _packed(work: Workload, board: Board) -> Packed:
    starts = tuple(board.starts[n] for n in range(len(work.tasks)))
    ends = [start + task.need for start, task in zip(starts, work.tasks, strict=True)]
    key = (
        user_minutes(work.redirections, starts, work),
        len({work.night(start) for start in starts}),
        max(ends, default=work.begin),
        sum(ends),
    )
    return Packed(starts, key)
