"""One timetable from one order: tasks by priority, each as early as it can."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.planner.board import Board
from orchestrator.planner.task import Redirection
from orchestrator.planner.workload import Workload

RELEASES = 16
"""Windows in which the opening of a redirection is tried."""

Key = tuple[int, int, int, int, int]
Priority = Sequence[int]


@dataclass(frozen=True)
class Packed:
    """A schedule as start minutes by task.

    Parameters
    ----------
    starts : tuple of int
    user_minutes : int
        Of all redirections.
    key : tuple of int
        What is made small, in this order: user-minutes of redirection in steps of 2 % of the
        least there can be (a week later is not worth a minute), nights used, the end, the exact
        user-minutes, the sum of all ends.
    """

    starts: tuple[int, ...]
    user_minutes: int
    key: Key


class Placing:
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
        return measured(self._work, self.board)

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


def tighten(work: Workload, board: Board) -> None:
    """Move what opens and fills redirections as late as the rest allows."""
    movable = {n for r in work.redirections for n in (r.opens, *r.inner)}
    for number in sorted(movable, key=lambda n: (-board.starts[n], -n)):
        _delay(work, board, number)


def blocks_of(work: Workload) -> dict[int, list[int]]:
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


def user_minutes(redirections: Sequence[Redirection], starts: Sequence[int], work: Workload) -> int:
    """Minutes times users of all redirections."""
    return sum(
        r.users * (starts[r.closes] + work.tasks[r.closes].need - starts[r.opens])
        for r in redirections
    )


def measured(work: Workload, board: Board) -> Packed:
    """A full board as a schedule."""
    starts = tuple(board.starts[n] for n in range(len(work.tasks)))
    ends = [start + task.need for start, task in zip(starts, work.tasks, strict=True)]
    users = user_minutes(work.redirections, starts, work)
    key = (
        users // work.grain,
        len({work.night(start) for start in starts}),
        max(ends, default=work.begin),
        users,
        sum(ends),
    )
    return Packed(starts, users, key)


def late_starts(work: Workload, found: Packed) -> tuple[int, ...]:
    """The same schedule with everything as late as its end allows: an order worth placing by.

    Going there and back (double justification, Valls, Ballestin and Quintanilla 2005) closes
    gaps that no order of the first schedule shows.
    """
    board = Board(work)
    last = max(start + task.need for start, task in zip(found.starts, work.tasks, strict=True))
    count = range(len(work.tasks))
    for n in sorted(count, key=lambda n: (-found.starts[n] - work.tasks[n].need, -n)):
        task = work.tasks[n]
        limit = min((board.starts[k] for k in task.before), default=last) - task.need
        start = board.latest(n, limit)
        board.place(n, found.starts[n] if start is None else max(start, found.starts[n]))
    return tuple(board.starts[n] for n in count)
