"""List scheduling: a portfolio of priority rules, then seeded restarts from the best found.

Tasks are placed one after the other at the first moment that keeps all limits. For every limit
kept here some order of placing leads to the shortest schedule; the search is for such an order.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.planner.board import Board
from orchestrator.planner.noise import Noise
from orchestrator.planner.task import Redirection
from orchestrator.planner.workload import Workload

MOST_PLACEMENTS = 40_000
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
        self._left = max(MOST_PLACEMENTS, LEAST_RESTARTS * len(work.tasks))
        self._inner = {n for r in work.redirections for n in (*r.inner, r.closes)}
        self._blocks = _blocks(work)
        self.best: Packed | None = None
        self._way = _Way(())

    def run(self) -> Packed | None:
        for priority in _portfolio(self._work):
            for as_blocks in (False, True) if self._inner else (False,):
                self._try(_Way(tuple(priority), as_blocks))
                if self._done:
                    return self.best
        self._shorten_redirections()
        scale = 1
        while self._left > 0 and self.best is not None and not self._done:
            as_blocks = bool(self._inner) and scale % 2 == 0
            way = _Way(self._shaken(scale), as_blocks, self._way.releases)
            if not self._try(way):
                scale = scale % 12 + 1
        return self.best

    @property
    def _done(self) -> bool:
        if self.best is None:
            return False
        users, nights, end, _ = self.best.key
        least = self._work.night(self._goal[1] - 1) - self._work.night(self._work.begin) + 1
        return (users, end) == self._goal and nights <= max(least, 1)

    def _try(self, way: _Way) -> bool:
        priority: Priority = way.priority
        blocks = self._blocks if way.as_blocks else None
        if way.as_blocks:
            priority = [p - 10**9 if n in self._inner else p for n, p in enumerate(priority)]
        placing = _Placing(self._work, priority, way.releases, blocks)
        found = placing.run()
        if found is not None and self._work.redirections:
            _tighten(self._work, placing.board)
            found = min(found, _packed(self._work, placing.board), key=lambda packed: packed.key)
        self._left -= placing.board.placements
        if found is None or (self.best is not None and found.key >= self.best.key):
            return False
        self.best, self._way = found, way
        return True

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


def _blocks(work: Workload) -> dict[int, list[int]]:
    """Openings that are placed only after all that what they enclose waits for.

    Placing only: nothing in the plan asks for it. An opening for which this would go round in a
    circle is left out.
    """
    waits: dict[int, list[int]] = {}
    for r in sorted(work.redirections, key=lambda r: (-r.users, r.opens)):
        own = {r.opens, r.closes, *r.inner}
        outer = sorted({n for k in (*r.inner, r.closes) for n in work.tasks[k].after} - own)
        if not _reaches(work, waits, r.opens, set(outer)):
            waits[r.opens] = outer
    return waits


def _reaches(work: Workload, waits: Mapping[int, list[int]], root: int, goals: set[int]) -> bool:
    """Whether one of the goals is placed after the root already."""
    later: dict[int, list[int]] = {}
    for opening, outer in waits.items():
        for n in outer:
            later.setdefault(n, []).append(opening)
    seen, stack = {root}, [root]
    while stack:
        n = stack.pop()
        if n in goals:
            return True
        fresh = {*work.tasks[n].before, *later.get(n, ())} - seen
        seen |= fresh
        stack += fresh
    return False


class _Placing:
    """One schedule in the making: tasks in order of priority, each as early as it can."""

    def __init__(
        self,
        work: Workload,
        priority: Priority,
        releases: Mapping[int, int],
        blocks: Mapping[int, list[int]] | None,
    ) -> None:
        self._work = work
        self._priority = priority
        self._releases = releases
        self.board = Board(work)
        self._ends: dict[int, int] = {}
        self._before: dict[int, list[int]] = {}
        self._waiting = [len(task.after) for task in work.tasks]
        self._blocks: dict[int, Redirection] = {}
        self._ready: list[tuple[int, int]] = []
        for redirection in work.redirections if blocks is not None else ():
            outer = (blocks or {}).get(redirection.opens)
            if outer is not None:
                self._blocks[redirection.opens] = redirection
                self._waiting[redirection.opens] += len(outer)
                for n in outer:
                    self._before.setdefault(n, []).append(redirection.opens)

    def run(self) -> Packed | None:
        """Place everything; None if something does not fit."""
        self._ready = [(self._priority[n], n) for n, c in enumerate(self._waiting) if not c]
        heapq.heapify(self._ready)
        while self._ready:
            _, number = heapq.heappop(self._ready)
            if number in self._ends:
                continue
            names = self._place(number)
            if not names:
                return None
            for n in names:
                self._settle(n)
        return _packed(self._work, self.board)

    def _place(self, number: int) -> Sequence[int]:
        """The tasks that now have their place; none if there is none."""
        moment = max((self._ends[n] for n in self._work.tasks[number].after), default=0)
        moment = max(moment, self._work.begin, self._releases.get(number, 0))
        if number in self._blocks:
            return self._place_block(self._blocks[number], moment)
        start = self.board.earliest(number, moment)
        if start is None:
            return ()
        self.board.place(number, start)
        return (number,)

    def _settle(self, number: int) -> None:
        task = self._work.tasks[number]
        self._ends[number] = self.board.starts[number] + task.need
        for n in (*task.before, *self._before.get(number, ())):
            self._waiting[n] -= 1
            if not self._waiting[n] and n not in self.board.starts:
                heapq.heappush(self._ready, (self._priority[n], n))

    def _place_block(self, redirection: Redirection, moment: int) -> Sequence[int]:
        """All of a redirection at once, where it is shortest among the next windows to open in."""
        chain = (redirection.opens, *redirection.inner, redirection.closes)
        least = self._work.shortest(redirection)
        slots = self._work.tasks[redirection.opens].slots.starts
        best: tuple[int, int, dict[int, int]] | None = None
        for release in (moment, *[start for start in slots if start > moment][:RELEASES]):
            starts = self._fill(chain, release)
            if starts is None:
                break
            end = starts[chain[-1]] + self._work.tasks[chain[-1]].need
            found = end - starts[chain[0]], end, starts
            best = found if best is None else min(best, found, key=lambda b: b[:2])
            if best[0] <= least:
                break
        if best is None:
            return ()
        for n, start in best[2].items():
            self.board.place(n, start)
        return chain

    def _fill(self, chain: Sequence[int], release: int) -> dict[int, int] | None:
        """Where the tasks of a redirection go if it opens at a moment or later; placed and undone.

        From the front each as early as it can; from the back each as late as the rest allows.
        """
        tasks, board = self._work.tasks, self.board
        placed: list[int] = []
        for n in chain:
            ready = [board.starts[k] + tasks[k].need for k in tasks[n].after]
            start = board.earliest(n, max([release, *ready]))
            if start is None:
                break
            board.place(n, start)
            placed.append(n)
        whole = len(placed) == len(chain)
        if whole:
            for n in reversed(chain[:-1]):
                _delay(self._work, board, n)
        starts = {n: board.remove(n) for n in reversed(placed)}
        return {n: starts[n] for n in chain} if whole else None


def _delay(work: Workload, board: Board, number: int) -> None:
    """Move a task as late as those after it allow."""
    task = work.tasks[number]
    now = board.remove(number)
    followers = [board.starts[n] for n in task.before if n in board.starts]
    later = board.latest(number, min(followers, default=now + task.need) - task.need)
    board.place(number, now if later is None or later < now else later)


def _tighten(work: Workload, board: Board) -> None:
    """Move what opens and fills redirections as late as the rest allows."""
    movable = {n for r in work.redirections for n in (r.opens, *r.inner)}
    for number in sorted(movable, key=lambda n: (-board.starts[n], -n)):
        _delay(work, board, number)


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
