# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is: work side by side, of which one source gets only so much at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Turns(Generic[Task]):
    """Gives out tasks, source by source in turn, never more than `each` of one source at a time."""

    def __init__(self, tasks: Sequence[tuple[Hashable, Task]], each: int) -> None:
        self._waiting: dict[Hashable, deque[tuple[int, Task]]] = {}
        for number, (source, task) in enumerate(tasks):
            self._waiting.setdefault(source, deque()).append((number, task))
        self._order = deque(self._waiting)
        self._busy = dict.fromkeys(self._waiting, 0)
        self._each = each
        self._changed = threading.Condition()

    def take(self) -> tuple[int, Hashable, Task] | None:
        """The next task with its number and source, once a source is free; None: no more."""
        with self._changed:
            while self._order:
                for _ in range(len(self._order)):
                    source = self._order[0]
                    self._order.rotate(-1)
                    if self._busy[source] < self._each:
                        number, task = self._waiting[source].popleft()
                        self._busy[source] += 1
                        if not self._waiting[source]:
                            self._order.remove(source)
                            self._changed.notify_all()
                        return number, source, task
                self._changed.wait()
            return None

    def give_back(self, source: Hashable) -> None:
        """A task of the source has ended."""
        with self._changed:
            self._busy[source] -= 1
            self._changed.notify_all()


def side_by_side(
    tasks: Sequence[tuple[Hashable, Task]],
    work: Callable[[Task], Result],
    *,
    at_once: int,
    each: int,
) -> list[Result]:
    """Do every task; the results in the order of the tasks.

    `tasks` are pairs of a source and a task. What `work` raises comes out once all have ended.
    """
    turns: Turns[Task] = Turns(tasks, each)
    results: dict[int, Result] = {}
    errors: list[BaseException] = []

    def go() -> None:
        while (turn := turns.take()) is not None:
            number, source, task = turn
            try:
                results[number] = work(task)
            except BaseException as error:
                errors.append(error)
            finally:
                turns.give_back(source)

    threads = [threading.Thread(target=go, daemon=True) for _ in range(min(at_once, len(tasks)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(tasks))]
