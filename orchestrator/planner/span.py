"""The shortest a redirection can last, with the farm to itself."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from orchestrator.planner.task import Redirection, Slots, Task


def shortest(tasks: Sequence[Task], redirection: Redirection) -> int:
    """The least minutes from opening to the end of closing, over all windows to open in.

    As a function of the opening the end stands still while something waits for its window, goes
    along otherwise, and jumps where a task falls out of its window: the length is least just
    before it goes along, so one look per jump is enough.
    """
    chain = (redirection.opens, *redirection.inner, redirection.closes)
    opening = tasks[redirection.opens].slots
    best: int | None = None
    start = opening.earliest(0)
    while start is not None:
        starts = _forward(tasks, chain, start)
        if starts is None:
            break
        end = starts[chain[-1]] + tasks[chain[-1]].need
        start = max(start, _backward(tasks, chain, end))
        best = end - start if best is None else min(best, end - start)
        starts = _forward(tasks, chain, start) or starts
        slack = min(_until_jump(tasks[n].slots, starts[n]) for n in chain)
        start = opening.earliest(start + slack + 1)
    return best or 0


def _until_jump(slots: Slots, start: int) -> int:
    return slots.latests[bisect_left(slots.latests, start)] - start


def _forward(tasks: Sequence[Task], chain: Sequence[int], first: int) -> dict[int, int] | None:
    starts: dict[int, int] = {}
    for n in chain:
        task = tasks[n]
        ready = (starts[k] + tasks[k].need for k in task.after if k in starts)
        start = task.slots.earliest(max(ready, default=first))
        if start is None:
            return None
        starts[n] = start
    return starts


def _backward(tasks: Sequence[Task], chain: Sequence[int], end: int) -> int:
    starts: dict[int, int] = {}
    for n in reversed(chain):
        task = tasks[n]
        limit = min((starts[k] for k in task.before if k in starts), default=end) - task.need
        latest = task.slots.latest(limit)
        starts[n] = limit if latest is None else latest
    return starts[chain[0]]
