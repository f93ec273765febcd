"""A timetable in the making: where a task fits among those already placed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict

from orchestrator.planner.task import Task
from orchestrator.planner.workload import Workload


class Load:
    """How many tasks run at each moment, as a step function.

    Notes
    -----
    Equal neighbours are merged, so that a stretch without room is passed in one jump.
    """

    def __init__(self) -> None:
        self._times = [-(10**12)]
        self._counts = [0]

    def add(self, start: int, end: int, amount: int) -> None:
        """Change the count on ``[start, end)``."""
        first, last = self._cut(start), self._cut(end)
        for k in range(bisect_left(self._times, first), bisect_left(self._times, last)):
            self._counts[k] += amount
        self._merge(last)
        self._merge(first)

    def busy_until(self, start: int, end: int, most: int) -> int | None:
        """The end of the last stretch in ``[start, end)`` with `most` or more; None if none."""
        for k in range(bisect_left(self._times, end) - 1, -1, -1):
            if k + 1 < len(self._times) and self._times[k + 1] <= start:
                return None
            if self._counts[k] >= most:
                return self._times[k + 1]
        return None

    def busy_from(self, start: int, end: int, most: int) -> int | None:
        """The begin of the first stretch in ``[start, end)`` with `most` or more; None if none."""
        for k in range(bisect_right(self._times, start) - 1, len(self._times)):
            if self._times[k] >= end:
                return None
            if self._counts[k] >= most:
                return self._times[k]
        return None

    def _cut(self, moment: int) -> int:
        k = bisect_left(self._times, moment)
        if k == len(self._times) or self._times[k] != moment:
            self._times.insert(k, moment)
            self._counts.insert(k, self._counts[k - 1])
        return moment

    def _merge(self, moment: int) -> None:
        k = bisect_left(self._times, moment)
        if k and self._counts[k] == self._counts[k - 1]:
            del self._times[k], self._counts[k]


class Board:
    """Start times of the tasks placed so far; every placement keeps all limits."""

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._load = Load()
        self._of_pool: dict[int, list[int]] = defaultdict(list)
        self._emptying: dict[str, list[int]] = defaultdict(list)
        self.starts: dict[int, int] = {}
        self.placements = 0

    def place(self, number: int, start: int) -> None:
        """Put a task where `earliest` or `latest` found room."""
        task = self._work.tasks[number]
        self.starts[number] = start
        self.placements += 1
        self._load.add(start, start + task.need, 1)
        if task.free:
            return
        if task.touched:
            self._of_pool[task.pool].append(number)
        if self._empties(task):
            self._emptying[self._work.pools[task.pool].site].append(number)

    def remove(self, number: int) -> int:
        """Take a task off; returns its start."""
        task = self._work.tasks[number]
        start = self.starts.pop(number)
        self._load.add(start, start + task.need, -1)
        if task.free:
            return start
        if task.touched:
            self._of_pool[task.pool].remove(number)
        if self._empties(task):
            self._emptying[self._work.pools[task.pool].site].remove(number)
        return start

    def earliest(self, number: int, moment: int) -> int | None:
        """The first start at or after a moment that keeps all limits."""
        task = self._work.tasks[number]
        start = task.slots.earliest(moment)
        while start is not None:
            end = start + task.need
            waits = [self._load.busy_until(start, end, self._work.max_parallel)]
            waits += [max(map(self._end, n)) for n in self._clashes(task, start)]
            waits += [min(map(self._end, n)) for n in self._crowds(task, start)]
            free = max((wait for wait in waits if wait is not None), default=None)
            if free is None:
                return start
            start = task.slots.earliest(free)
        return None

    def latest(self, number: int, moment: int) -> int | None:
        """The last start at or before a moment that keeps all limits."""
        task = self._work.tasks[number]
        start = task.slots.latest(moment)
        while start is not None:
            end = start + task.need
            limits = [self._load.busy_from(start, end, self._work.max_parallel)]
            limits += [min(self.starts[k] for k in n) for n in self._clashes(task, start)]
            limits += [max(self.starts[k] for k in n) for n in self._crowds(task, start)]
            taken = min((limit for limit in limits if limit is not None), default=None)
            if taken is None:
                return start
            start = task.slots.latest(taken - task.need)
        return None

    def _end(self, number: int) -> int:
        return self.starts[number] + self._work.tasks[number].need

    def _empties(self, task: Task) -> bool:
        return len(task.out) == self._work.pools[task.pool].size

    def _clashes(self, task: Task, start: int) -> list[list[int]]:
        """Tasks none of which may run while this one does."""
        if task.free or not task.touched:
            return []
        tasks = self._work.tasks
        names = [n for n in self._of_pool[task.pool] if tasks[n].touched & task.touched]
        if self._empties(task):
            # owners agreed to their own pool being away, nobody to a whole site
            names += self._emptying[self._work.pools[task.pool].site]
        names = [n for n in names if self._meet(n, start, start + task.need)]
        return [names] if names else []

    def _crowds(self, task: Task, start: int) -> list[list[int]]:
        """Sets of tasks that leave too few servers in service if this one joins all of them."""
        if task.free or not task.out:
            return []
        tasks, room = self._work.tasks, self._work.pools[task.pool].room
        others = [
            n
            for n in self._of_pool[task.pool]
            if tasks[n].out and self._meet(n, start, start + task.need)
        ]
        found = []
        for moment in sorted({start, *(self.starts[n] for n in others if self.starts[n] > start)}):
            active = [n for n in others if self._meet(n, moment, moment + 1)]
            if active and len(task.out) + sum(len(tasks[n].out) for n in active) > room:
                found.append(active)
        return found

    def _meet(self, number: int, start: int, end: int) -> bool:
        return self.starts[number] < end and start < self._end(number)
